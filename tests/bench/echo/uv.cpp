// SPDX-License-Identifier: MIT
//
// libuv: `bench_echo_uv write|try-write`. With uv_write each answer is a request of its own, as in
// libuv's guide; uv_try_write sends at once, and only what the kernel does not take is a request.
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "server.hpp"

namespace {

bool try_first = false;

struct Connection {
  uv_tcp_t tcp;
  char buffer[echo::room];  // read into, and tried to be sent from, before the next read
};

// A request owns what it sends: the next read may come before it is done.
struct Write {
  uv_write_t request;
  char bytes[echo::room];
};

void close_connection(uv_handle_t* handle) {
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) { delete static_cast<Connection*>(closed->data); });
}

void send(uv_stream_t* stream, const char* data, std::size_t size) {
  auto* const write = new Write;
  write->request.data = write;
  std::memcpy(write->bytes, data, size);
  const uv_buf_t buffer = uv_buf_init(write->bytes, static_cast<unsigned>(size));
  uv_write(&write->request, stream, &buffer, 1, [](uv_write_t* request, int status) {
    if (status != 0) close_connection(reinterpret_cast<uv_handle_t*>(request->handle));
    delete static_cast<Write*>(request->data);
  });
}

void received(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
  if (got < 0) return close_connection(reinterpret_cast<uv_handle_t*>(stream));
  const auto size = static_cast<std::size_t>(got);
  std::size_t sent = 0;
  if (try_first) {
    const uv_buf_t all = uv_buf_init(buffer->base, static_cast<unsigned>(size));
    const int taken = uv_try_write(stream, &all, 1);
    if (taken > 0) sent = static_cast<std::size_t>(taken);
  }
  if (sent < size) send(stream, buffer->base + sent, size - sent);
}

void connected(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* const connection = new Connection;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->tcp);
  uv_tcp_init(listener->loop, &connection->tcp);
  connection->tcp.data = connection;
  if (uv_accept(listener, stream) != 0) {
    return close_connection(reinterpret_cast<uv_handle_t*>(stream));
  }
  uv_tcp_nodelay(&connection->tcp, 1);
  uv_read_start(
      stream,
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        *buffer = uv_buf_init(static_cast<Connection*>(handle->data)->buffer, echo::room);
      },
      received);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 2 ? argv[1] : "";
  if (kind != "write" && kind != "try-write") {
    std::fprintf(stderr, "usage: bench_echo_uv write|try-write\n");
    return 2;
  }
  try_first = kind == "try-write";
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  const int socket = echo::listen_on_loopback();
  if (uv_tcp_open(&listener, socket) != 0 ||
      uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, connected) != 0) {
    std::fprintf(stderr, "libuv cannot listen\n");
    return 1;
  }
  echo::announce(echo::port_of(socket));
  uv_run(loop, UV_RUN_DEFAULT);
}
