// SPDX-License-Identifier: MIT
//
// All of TCP: connect(), TcpListener, TcpStream, and the errors that they throw.
#pragma once

#include "deferred/io/connect.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/tcp_listener.hpp"
#include "deferred/io/tcp_stream.hpp"
