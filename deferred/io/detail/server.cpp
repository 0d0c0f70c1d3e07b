// SPDX-License-Identifier: MIT
#include "deferred/io/detail/server.hpp"

#include <new>
#include <system_error>
#include <utility>

#include "deferred/io/detail/member_body.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io::detail {
namespace {

constexpr Duration rest_without_memory = std::chrono::milliseconds(5);

}  // namespace

Server::Server(Listener& listener, std::size_t most, Duration grace, OnError on_error)
    : listener_(listener), grace_(grace), on_error_(std::move(on_error)), slots_(most) {}

Task<void> Server::run(Handler handler) {
  co_await cancel_point;  // what accepts is shielded, and hears of a cancel a turn later
  handler_ = std::move(handler);
  const MemberBody<Server> body(*this, &Server::hear);
  co_await with_nursery(body);
}

Task<void> Server::hear(Nursery& nursery) {
  nursery.spawn(serve_shielded());
  try {
    co_await over_;
  } catch (...) {  // cancelled, or an error that was thrown into it
    stop();
    throw;
  }
}

Task<void> Server::serve_shielded() {
  Task<void> all = serve_all();
  auto in_scope = connections_.run(std::move(all));
  co_await shield(std::move(in_scope));
  over_.set();
}

Task<void> Server::serve_all() {
  const MemberBody<Server> body(*this, &Server::accept_all);
  co_await with_nursery(body);
}

Task<void> Server::accept_all(Nursery& connections) {
  bool without_memory = false;
  while (true) {
    if (without_memory) co_await Pause{rest_without_memory};
    without_memory = false;
    try {
      Task<void> one = accept_one(connections);
      const bool accepted = co_await accepting_.run(std::move(one));
      if (!accepted) co_return;
    } catch (const std::system_error& error) {
      if (error.code() == Errc::busy) throw;
      if (error.code() == Errc::closed) co_return stop();
      report(error);
    } catch (const std::bad_alloc& error) {
      without_memory = true;
      report(error);
    }
  }
}

Task<void> Server::accept_one(Nursery& connections) {
  Permit permit = co_await slots_.acquire();
  Stream stream = co_await listener_.accept();
  connections.spawn(serve_one(std::move(permit), std::move(stream)));
}

Task<void> Server::serve_one(Permit, Stream stream) {
  try {
    co_await handler_(std::move(stream));
  } catch (const std::system_error& error) {
    report(error);
  } catch (const TimeoutError& error) {
    report(error);
  }
}

void Server::stop() {
  accepting_.cancel();
  try {
    if (grace_ > Duration::zero()) return connections_.cancel_after(grace_);
  } catch (const std::bad_alloc&) {  // for a timer: then there is no grace
  }
  connections_.cancel();
}

void Server::report(const std::exception& error) const {
  if (on_error_) on_error_(error);
}

}  // namespace deferred::io::detail
