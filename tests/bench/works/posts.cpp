// SPDX-License-Identifier: MIT
//
// W7: call_from_thread, on the default reactor and on the other backends of this build.
#include <cstdlib>
#include <string>
#include <utility>

#include "../backends.hpp"
#include "../posts.hpp"
#include "deferred/reactor/reactor.hpp"
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
  for (const std::string name : {"epoll", "uv"}) {
    if (!bench::backends.contains(name)) continue;
    Reactor other{bench::backends.at(name)()};
    Posts other_loop(other);
    program.rename("deferred-" + name);
    bench::posts(program, other_loop, "call_from_thread");
  }
}
