// SPDX-License-Identifier: MIT
//
// Server: what serve() does.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>

#include "deferred/io/listener.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/semaphore.hpp"

namespace deferred::io::detail {

/// A nursery of connections inside a shield, for a cancel is to reach them late: beside it waits
/// who hears of the cancel.
class Server {
 public:
  using Handler = std::function<Task<void>(Stream)>;
  using OnError = std::function<void(const std::exception&)>;

  DEFERRED_API Server(Listener& listener, std::size_t most, Duration grace, OnError on_error);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  DEFERRED_API Task<void> run(Handler handler);

 private:
  Task<void> hear(Nursery& nursery);
  Task<void> serve_shielded();
  Task<void> serve_all();
  Task<void> accept_all(Nursery& connections);
  Task<void> accept_one(Nursery& connections);
  Task<void> serve_one(Permit permit, Stream stream);
  /// No more is accepted, and what runs has its grace.
  void stop();
  void report(const std::exception& error) const;

  Listener& listener_;
  Duration grace_;
  OnError on_error_;
  Handler handler_;
  Semaphore slots_;
  CancelScope accepting_;
  CancelScope connections_;
  Event over_;
};

}  // namespace deferred::io::detail
