// SPDX-License-Identifier: MIT
//
// The door of io/: streams.
#pragma once

#include "deferred/io/acceptor.hpp"
#include "deferred/io/address.hpp"
#include "deferred/io/adopt.hpp"
#include "deferred/io/connect.hpp"
#include "deferred/io/connect_options.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/endpoint.hpp"
#include "deferred/io/endpoint_kinds.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/io/listener.hpp"
#include "deferred/io/lock_file.hpp"
#include "deferred/io/netstring.hpp"
#include "deferred/io/network.hpp"
#include "deferred/io/read_write.hpp"
#include "deferred/io/readiness.hpp"
#include "deferred/io/serve.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/io/transport.hpp"
