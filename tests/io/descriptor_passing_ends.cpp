// SPDX-License-Identifier: MIT
//
// Descriptors that are passed while something is closed.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "deferred/io.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Descriptor;
using io::Errc;
using io::Listener;
using io::Stream;

namespace {

Task<Ends> connected_at(const std::string& path) {
  Listener listener = io::listen("unix:" + path);
  Stream near = co_await io::connect("unix:" + path);
  Stream far = co_await listener.accept();
  co_return Ends(std::move(near), std::move(far));
}

}  // namespace

TEST_CASE("a descriptor that is closed behind its sending comes all the same") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    folder.write("file", "what is in it");
    Ends ends = co_await connected_at(folder.path("socket"));
    Descriptor file(::open(folder.path("file").c_str(), O_RDONLY | O_CLOEXEC));
    const int sent[] = {file.fd()};
    char room[16];

    co_await io::send_with_descriptors(ends.near, "x", sent);
    file.close();
    ends.near.close();
    const io::ReceivedDescriptors got = co_await io::receive_with_descriptors(ends.far, room);
    REQUIRE(got.descriptors.size() == 1);
    const ssize_t size = ::read(got.descriptors[0].fd(), room, sizeof room);

    CHECK(std::string(room, static_cast<std::size_t>(size)) == "what is in it");
  });
}

TEST_CASE("descriptors that wait to be sent are told that their stream was closed, and stay open") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    Ends ends = co_await connected_at(folder.path("socket"));
    const std::string much(1 << 20, 'x');
    const int sent[] = {STDERR_FILENO};
    const auto before = open_descriptors();
    Spawned<void> sending = spawn(reactor, io::send_with_descriptors(ends.near, much, sent));
    co_await turns(3);
    CHECK_FALSE(sending.done());

    ends.near.close();
    const auto outcome = co_await as_outcome(std::move(sending));

    CHECK(failed_with(outcome, Errc::closed));
    CHECK(::fcntl(STDERR_FILENO, F_GETFD) >= 0);
    CHECK(open_descriptors() == before - 1);
  });
}
