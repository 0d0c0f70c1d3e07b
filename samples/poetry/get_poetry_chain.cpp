// SPDX-License-Identifier: MIT
//
// The same client as get_poetry.cpp with callbacks and errbacks: each poem is a Deferred, and what
// is to happen to it stands in its chain. Here one has to count the poems to know the end.
#include <deferred/deferred.hpp>

#include <iostream>

#include "samples/poetry/client.hpp"

using namespace deferred;
using namespace poetry;

// Fires with the transformed poem, or with the original if that fails.
Deferred<std::string> try_to_cummingsify(const ClientArguments& arguments,
                                         const std::string& poem) {
  const TransformProxy proxy(arguments.transform_server, arguments.timeout);
  return spawn(proxy.transform("cummingsify", poem)).add_errback([poem](Failure failure) {
    std::cerr << "Cummingsify failed: " << failure.what() << std::endl;
    return poem;
  });
}

int main(int argc, char** argv) {
  const ClientArguments arguments =
      parse_client_arguments(argc, argv, "Gets poems and has them transformed, with callbacks.");
  Reactor reactor;
  int failed = 0;
  std::size_t waiting = arguments.poetry_servers.size();

  const auto cummingsify = [&](std::string poem) { return try_to_cummingsify(arguments, poem); };
  const auto got_poem = [](std::string poem) { std::cout << poem << std::endl; };
  const auto poem_failed = [&](Failure failure) {
    std::cerr << "The poem download failed: " << failure.what() << std::endl;
    ++failed;
  };
  const auto poem_done = [&](Outcome<void>) {
    if (--waiting == 0) reactor.stop();
  };

  for (const Address& server : arguments.poetry_servers) {
    spawn(reactor, get_poetry(server, arguments.timeout))
        .add_callback(cummingsify)
        .add_callback(got_poem)
        .add_errback(poem_failed)
        .add_both(poem_done)
        .detach();
  }

  reactor.run();
  return failed == 0 ? 0 : 1;
}
