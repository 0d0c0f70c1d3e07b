// SPDX-License-Identifier: MIT
//
// What of io needs no stream: netstrings, endpoints, addresses, errors, and what operations give
// and are given.
#include <fcntl.h>

#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/allocation_failure/programs.hpp"

namespace deferred::testing {
namespace {

void netstrings(Reactor&) {
  right(io::encode_netstring("a text that is not short any more") ==
            "33:a text that is not short any more,",
        "a netstring is a netstring");
  const auto parsed = io::parse_netstring("5:hello,rest", 100);
  right(parsed && parsed->text == "hello" && parsed->size == 8, "a netstring is found");
  const io::ParsedMessage made("hello", 8);
  right(made.size == 8, "it holds what it is given");
  io::NetstringDecoder decoder;
  const std::string_view bytes = "40:0123456789012345678901234567890123456789,5:hello,";
  bool fed = true;
  try {
    decoder.feed(bytes);
  } catch (const std::bad_alloc&) {
    fed = false;
  }
  right(decoder.pending() == (fed ? bytes.size() : 0), "a feed that failed has fed something");
  if (!fed) decoder.feed(bytes);
  std::optional<std::string> first;
  try {
    first = decoder.next();
  } catch (const std::bad_alloc&) {
    right(decoder.pending() == bytes.size(), "a netstring is lost");
    first = decoder.next();
  }
  right(first && first->size() == 40, "a netstring is lost");
  const std::optional<std::string> second = decoder.next();
  right(second && *second == "hello" && decoder.pending() == 0, "a netstring is lost");
}
// An error is told as one if there is memory for its text, and else as std::bad_alloc.
void endpoints(Reactor&) {
  const auto endpoint =
      io::Endpoint::parse("tls:a-name-that-is-not-short-any-more.example:443:ca=/etc/ca");
  right(endpoint.kind() == "tls" && endpoint.parts().size() == 2, "an endpoint is taken apart");
  right(endpoint.part(1) == "443" && endpoint.port(1) == 443, "its parts");
  right(endpoint.option("ca") != nullptr && endpoint.option("key") == nullptr, "its options");
  right(endpoint.text() == "tls:" + io::escape(endpoint.part(0)) + ":443:ca=/etc/ca", "its text");
  endpoint.require("tls:HOST:PORT", 2, 2, {"ca", "key"});
  try {
    endpoint.refuse("there is no TLS here");
  } catch (const std::system_error& error) {
    right(error.code() == io::Errc::bad_endpoint, "another error");
  }
}
void addresses(Reactor&) {
  using io::Address;
  const Address ip = Address::parse("[::ffff:127.0.0.1]:80");
  right(ip.family() == Address::Family::ipv6 && ip.port() == 80, "an address is taken apart");
  right(ip.text() == "[::ffff:127.0.0.1]:80" && ip.host() == "::ffff:127.0.0.1", "its text");
  right(ip.unmapped() == Address::ip("127.0.0.1", 80), "what it stands for");
  right(ip.with_port(81).port() == 81, "another port");
  right(ip.unmapped().is_loopback() && !ip.is_any(), "where it is");
  right(Address::any_ipv4(1).is_any() && Address::any_ipv6(1).is_any(), "everywhere");
  right(Address::from_native(ip.native()) == ip, "its bytes");
  right(Address().family() == Address::Family::unnamed, "none");
  const Address path = Address::unix_path("/a/path/of/more/than/a/few/bytes");
  right(path.text() == "unix:/a/path/of/more/than/a/few/bytes", "a path");
  right(io::host_and_port("a.host.of.more.than.a.few.letters", 80) ==
            "a.host.of.more.than.a.few.letters:80",
        "a host and its port");
  try {
    static_cast<void>(Address::parse("what is no address, and rather long"));
  } catch (const std::system_error& error) {
    right(error.code() == io::Errc::not_an_address, "another error");
  }
}
void errors(Reactor&) {
  const std::error_code code = io::make_error_code(io::Errc::closed);
  right(code.category() == io::error_category() && !code.message().empty(), "an error has a text");
  const io::ProtocolError error("a peer that does not keep to its protocol");
  right(error.what() == std::string_view("a peer that does not keep to its protocol"), "its text");
}

// What is given to operations, and what they give.
void options_and_results(Reactor&) {
  right(io::ConnectOptions(std::chrono::seconds(1)).limit == std::chrono::seconds(1), "a limit");
  right(io::ListenOptions(7).backlog == 7, "a backlog");
  right(io::ServeOptions(3).most == 3 && io::ServeOptions().most == 1024, "a number at a time");
  io::ProcessOptions process;
  process.environment.emplace().push_back("A_NAME=and a value that is not short any more");
  io::RunOptions run;
  run.given = "what is given, of more than a few bytes";
  const io::Command command("a program of a long name", "an argument of a length of its own");
  right(command.arguments.size() == 2, "a command has what it is given");
  const io::Command copied(command.arguments);
  right(copied.arguments == command.arguments, "a command is made of a list");
  const io::Exit exit(io::Exit::How::killed, 9);
  right(!exit.ok() && exit.how() == io::Exit::How::killed && exit.signal() == 9, "how it ended");
  right(exit.status() == -1 && exit.text() == "killed by signal 9 (Killed)", "in words");
  const io::Completed done(exit, "all that it has written to its output", "");
  right(done.output.size() == 37, "a run has its output");
  right(io::Credentials(1, 2, 3).uid == 2, "who it is");
}
void descriptors(Reactor&) {
  io::Descriptor none;
  io::Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  right(!none && null && null.fd() >= 0, "a descriptor is open");
  std::vector<io::Descriptor> all;
  all.push_back(std::move(null));
  const io::ReceivedDescriptors received(4, std::move(all));
  right(received.size == 4 && received.descriptors.size() == 1, "descriptors are kept");
  io::Descriptor again(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  none = io::Descriptor(again.release());
  right(!again, "it is given away");
  none.close();
  right(!none, "it is closed");
}

}  // namespace

Programs io_value_programs() {
  return {
      {"netstrings",
       {"deferred::io::encode_netstring()", "deferred::io::parse_netstring()",
        "deferred::io::ParsedMessage::ParsedMessage()",
        "deferred::io::NetstringDecoder::NetstringDecoder()",
        "deferred::io::NetstringDecoder::feed()", "deferred::io::NetstringDecoder::next()",
        "deferred::io::NetstringDecoder::pending()"},
       &netstrings},
      {"endpoints",
       {"deferred::io::Endpoint::parse()", "deferred::io::Endpoint::kind()",
        "deferred::io::Endpoint::parts()", "deferred::io::Endpoint::part()",
        "deferred::io::Endpoint::port()", "deferred::io::Endpoint::option()",
        "deferred::io::Endpoint::text()", "deferred::io::Endpoint::require()",
        "deferred::io::Endpoint::refuse()", "deferred::io::escape()"},
       &endpoints},
      {"addresses",
       {"deferred::io::Address::Address()", "deferred::io::Address::any_ipv4()",
        "deferred::io::Address::any_ipv6()", "deferred::io::Address::family()",
        "deferred::io::Address::from_native()", "deferred::io::Address::host()",
        "deferred::io::Address::ip()", "deferred::io::Address::is_any()",
        "deferred::io::Address::is_loopback()", "deferred::io::Address::native()",
        "deferred::io::Address::parse()", "deferred::io::Address::port()",
        "deferred::io::Address::text()", "deferred::io::Address::unix_path()",
        "deferred::io::Address::unmapped()", "deferred::io::Address::with_port()",
        "deferred::io::host_and_port()"},
       &addresses},
      {"errors of io",
       {"deferred::io::error_category()", "deferred::io::make_error_code()",
        "deferred::io::ProtocolError::ProtocolError()", "deferred::io::ProtocolError::what()"},
       &errors},
      {"options and results of io",
       {"deferred::io::ConnectOptions::ConnectOptions()",
        "deferred::io::ListenOptions::ListenOptions()",
        "deferred::io::ServeOptions::ServeOptions()",
        "deferred::io::ProcessOptions::ProcessOptions()", "deferred::io::RunOptions::RunOptions()",
        "deferred::io::Command::Command()", "deferred::io::Exit::Exit()",
        "deferred::io::Exit::how()", "deferred::io::Exit::ok()", "deferred::io::Exit::signal()",
        "deferred::io::Exit::status()", "deferred::io::Exit::text()",
        "deferred::io::Completed::Completed()", "deferred::io::Credentials::Credentials()"},
       &options_and_results},
      {"descriptors",
       {"deferred::io::Descriptor::Descriptor()", "deferred::io::Descriptor::close()",
        "deferred::io::Descriptor::fd()", "deferred::io::Descriptor::operator bool()",
        "deferred::io::Descriptor::release()",
        "deferred::io::ReceivedDescriptors::ReceivedDescriptors()"},
       &descriptors},
  };
}

}  // namespace deferred::testing
