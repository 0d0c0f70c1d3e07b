// SPDX-License-Identifier: MIT
//
// The door of io/: streams.
#pragma once

#include "deferred/io/address.hpp"
#include "deferred/io/connect.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/lock_file.hpp"
#include "deferred/io/netstring.hpp"
#include "deferred/io/tcp_listener.hpp"
#include "deferred/io/tcp_stream.hpp"
#include "deferred/io/transfer.hpp"
