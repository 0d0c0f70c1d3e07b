// SPDX-License-Identifier: MIT
// libuv conforms, on a loop of its own and in the caller's.
#include "reactors/uv.hpp"

#include <uv.h>

#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

// It counts in milliseconds, and watches by epoll, which refuses regular files and forgets a
// descriptor that is closed.
constexpr Capability as_uv =
    Capability::real_time | Capability::threads | Capability::descriptors | Capability::forks;

/// A backend in a loop that goes with it.
class InCallersLoop final : public Backend, private Turn {
 public:
  InCallersLoop() {
    uv_loop_init(&loop_);
    inner_ = reactors::uv(&loop_);
    inner_->drive(this);
    share();
  }
  ~InCallersLoop() override {
    inner_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);  // lets go of the handles
    uv_loop_close(&loop_);
  }
  TimePoint now() noexcept override { return inner_->now(); }
  void arm(TimePoint deadline) noexcept override { inner_->arm(deadline); }
  void wake() noexcept override { inner_->wake(); }
  void watch(int fd, Ready interest, IoHandler& handler) override {
    inner_->watch(fd, interest, handler);
  }
  void rewatch(int fd, Ready interest) override { inner_->rewatch(fd, interest); }
  void unwatch(int fd) noexcept override { inner_->unwatch(fd); }
  void run_once(bool block) override { inner_->run_once(block); }
  void forked() noexcept override { inner_->forked(); }

 private:
  void turn() noexcept override { Backend::turn(); }

  uv_loop_t loop_;
  std::unique_ptr<Backend> inner_;
};

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = "uv";
  tried.make = [] { return reactors::uv(); };
  tried.can = as_uv;
  return tried;
}

}  // namespace

TEST_CASE("the libuv backend conforms") { check_conformance(on_this()); }

TEST_CASE("streams on the libuv backend conform") { check_all_streams(on_this()); }

TEST_CASE("the libuv backend conforms in the caller's loop") {
  ReactorUnderTest tried;
  tried.name = "uv-in-callers-loop";
  tried.make = [] { return std::make_unique<InCallersLoop>(); };
  tried.can = as_uv;

  check_conformance(tried);
}
