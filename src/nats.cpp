// The adapter for NATS.
#include <chain/impl/adapters/nats.ipp>
#include <chain/impl/detail/nats_core.ipp>
#include <chain/impl/detail/nats_loop.ipp>
#include <chain/impl/detail/nats_subject.ipp>
