// SPDX-License-Identifier: MIT
//
// W7: call_from_thread, on the default reactor and on the other backends of this build.
#include <cstdlib>
#include <utility>

#include "../backends.hpp"
#include "../posts.hpp"
#include "deferred/reactor.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

class Posts {
 public:
  explicit Posts(Reactor& reactor) : reactor_(reactor) {}
  template <class F>
  void run(F f) {
    reactor_.post(std::move(f));
    reactor_.run();
  }
  void stop() { reactor_.stop(); }
  template <class F>
  void post(const F& f) {
    if (!reactor_.call_from_thread([&f] { f(); })) std::abort();
  }

 private:
  Reactor& reactor_;
};

}  // namespace

void works::posts(bench::Program& program) {
  Reactor reactor;
  Posts loop(reactor);
  bench::posts(program, loop, "call_from_thread");
  if (!bench::backends.contains("uv")) return;
  Reactor on_uv{bench::backends.at("uv")()};
  Posts uv_loop(on_uv);
  program.rename("deferred-uv");
  bench::posts(program, uv_loop, "call_from_thread");
}
