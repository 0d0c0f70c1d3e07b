// SPDX-License-Identifier: MIT
#include "samples/pyos/echo.hpp"

#include <string>

namespace pyos {

Task<> handle_client(Socket client) {
  for (;;) {
    std::string heard = co_await recv(client, 65536);
    if (heard.empty()) co_return;
    co_await send(client, std::move(heard));
  }
}

Task<> echo_server(Socket listener) {
  for (;;) {
    Socket client = co_await accept(listener);
    co_await NewTask(handle_client(std::move(client)));
  }
}

}  // namespace pyos
