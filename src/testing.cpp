// The test kit that ships.
#include <chain/impl/testing/kit.ipp>
