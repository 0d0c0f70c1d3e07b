// SPDX-License-Identifier: MIT
// The poetry system of samples/poetry, as it is: servers and a client on nodes of their own, over a
// network that is slow, lossy and in parts.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <vector>

#include "deferred/testing/for_each_seed.hpp"
#include "tests/simulation/simulated.hpp"

#if defined(__GNUC__) && !defined(__clang__)
// Of frames of coroutines in a file that is included.
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

// The programs, whose functions are wanted here, and not their reactors.
#define main get_poetry_program
#include "samples/poetry/get_poetry.cpp"
#undef main
#define main poetry_server_program
#include "samples/poetry/poetry_server.cpp"
#undef main
#define main transform_server_program
#include "samples/poetry/transform_server.cpp"
#undef main

using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> poets = {"road", "science", "fascination"};

std::string poem_of(const std::string& poet) {
  std::ifstream file(std::string(POEMS) + "/" + poet + ".txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Task<> serves(Answer answer) {
  io::Listener listener = io::listen("tcp:*:10001");
  co_await io::serve(listener, answer);
}

/// What is printed meanwhile.
class Printed {
 public:
  explicit Printed(std::ostream& out) : out_(out), before_(out.rdbuf(text_.rdbuf())) {}
  Printed(const Printed&) = delete;
  Printed& operator=(const Printed&) = delete;
  ~Printed() { out_.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::ostream& out_;
  std::streambuf* before_;
};

/// Takes it out, if it is there.
bool take(std::string& text, const std::string& part) {
  const auto at = text.find(part);
  if (at == std::string::npos) return false;
  text.erase(at, part.size());
  return true;
}

std::size_t lines_with(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void gets_poems(Simulation& sim) {
  Random& random = sim.random();
  auto& poems = sim.keep<std::vector<std::string>>();
  auto& pace = sim.keep<PoetryServerArguments>();
  pace.num_bytes = 4 + random.below(200);
  pace.delay = std::chrono::milliseconds(random.below(50));
  for (const std::string& poet : poets) poems.push_back(poem_of(poet));
  auto& arguments = sim.keep<ClientArguments>();
  arguments.timeout = 20s;
  arguments.transform_server = {"transforms", 10001};
  for (std::size_t i = 0; i < poets.size(); ++i) {
    const Answer answer = [&poems, &pace, i](io::Stream reader) {
      return send_slowly(std::move(reader), poems[i], pace);
    };
    sim.node(poets[i]).spawn(serves(answer)).detach();
    arguments.poetry_servers.push_back({poets[i], 10001});
  }
  sim.node("transforms").spawn(serves(transform_poem)).detach();
  sim.faults(Faults().short_reads().short_writes().would_blocks());
  sim.links().latency(1ms, 100ms).bandwidth(20'000);

  const Printed out(std::cout);
  const Printed complaints(std::cerr);
  Spawned<int> client = sim.node("client").spawn(poetry_main(arguments));
  // For a while one node is not reached, or its program dies.
  sim.run(std::chrono::milliseconds(random.below(3000)));
  std::vector<std::string> nodes = poets;
  nodes.push_back("transforms");
  const std::string& one = nodes[random.below(nodes.size())];
  switch (random.below(3)) {
    case 0:
      sim.partition({"client"}, {one});
      break;
    case 1:
      sim.node(one).kill();
      break;
    case 2:
      break;
  }
  sim.run(std::chrono::milliseconds(random.below(10'000)));
  sim.heal();
  const int status = sim.run_until(std::move(client), 2min);

  // Each poem is printed once, in capitals only if it could not be transformed; or it is said why
  // there is none.
  std::string printed = out.text();
  std::size_t missing = 0;
  std::size_t as_written = 0;
  for (const std::string& poem : poems) {
    if (take(printed, cummingsify(poem) + "\n")) continue;
    take(printed, poem + "\n") ? ++as_written : ++missing;
  }
  must(printed.empty(), "nothing but poems is printed");
  must(lines_with(complaints.text(), "The poem download failed: ") == missing,
       "of each poem that is missing it is said why");
  must(lines_with(complaints.text(), "Cummingsify failed: ") == as_written,
       "of each poem that is as it was written it is said why");
  must(status == (missing == 0 ? 0 : 1), "the status is 1 if a poem is missing");
  must(missing <= 1, "the others come");
}

}  // namespace

TEST_CASE("the poetry client gets its poems, or says why not, whatever the network does") {
  for_each_seed(200, gets_poems);
}
