// Long-polling: the answers, the connection, the tokens and the transport.
#include <chain/impl/detail/poll_answers.ipp>
#include <chain/impl/detail/poll_connection.ipp>
#include <chain/impl/detail/poll_table.ipp>
#include <chain/impl/transports/longpoll.ipp>
