// The definitions of the adapter for NATS, for exactly one translation unit of a project that does
// not link the library. It needs cnats.
#pragma once

#include <chain/impl/adapters/nats.ipp>
#include <chain/impl/detail/nats_core.ipp>
#include <chain/impl/detail/nats_loop.ipp>
#include <chain/impl/detail/nats_subject.ipp>
