// Presence: who is in a topic.
#include <chain/impl/detail/node_presence.ipp>
#include <chain/impl/detail/presence_core.ipp>
#include <chain/impl/detail/presence_emit.ipp>
#include <chain/impl/detail/presence_peer.ipp>
#include <chain/impl/detail/presence_pending.ipp>
#include <chain/impl/presence.ipp>
#include <chain/impl/presence_store.ipp>
