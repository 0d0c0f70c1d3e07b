// SPDX-License-Identifier: MIT
//
// Downloads poems from several servers at once, lets a transform server take their capitals away,
// and prints each poem as it comes. This is client 7.0 of Dave Peticolas' Twisted introduction with
// C++ coroutines; get_poetry_chain.cpp is the same without them.
#include <deferred/deferred.hpp>

#include <iostream>

#include "samples/poetry/client.hpp"

using namespace deferred;
using namespace poetry;

// A download that fails is the failure of the whole; a transformation that fails leaves the
// original poem. True if there was a poem to print.
Task<bool> get_transformed_poem(const ClientArguments& arguments, Address server) {
  std::string poem;
  try {
    poem = co_await get_poetry(server, arguments.timeout);
  } catch (const std::exception& error) {
    std::cerr << "The poem download failed: " << error.what() << std::endl;
    co_return false;
  }

  try {
    const TransformProxy proxy(arguments.transform_server, arguments.timeout);
    poem = co_await proxy.transform("cummingsify", poem);
  } catch (const std::exception& error) {
    std::cerr << "Cummingsify failed: " << error.what() << std::endl;
  }

  std::cout << poem << std::endl;
  co_return true;
}

// Whatever becomes of the poems: it is done when all of them are.
Task<int> poetry_main(const ClientArguments& arguments) {
  int failed = 0;
  const auto get = [&](Address server) -> Task<> {
    const bool came = co_await get_transformed_poem(arguments, std::move(server));
    if (!came) ++failed;
  };
  co_await with_nursery([&](Nursery& nursery) -> Task<> {
    for (const Address& server : arguments.poetry_servers) nursery.spawn(get, server);
    co_return;
  });
  co_return failed == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
  const ClientArguments arguments =
      parse_client_arguments(argc, argv, "Gets poems and has them transformed, with coroutines.");
  Reactor reactor;
  return reactor.run(poetry_main(arguments));
}
