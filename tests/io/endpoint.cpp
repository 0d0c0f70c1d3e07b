// SPDX-License-Identifier: MIT
#include "deferred/io/endpoint.hpp"

#include <doctest/doctest.h>

#include <system_error>

#include "deferred/io/errors.hpp"

using namespace deferred;
using io::Endpoint;

namespace {

using Texts = std::vector<std::string>;

/// What `f` throws, if it is an error of an endpoint.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code() == io::Errc::bad_endpoint ? error.what() : "another code";
  }
  return "no error";
}
std::string refusal_of(std::string_view text) {
  return refusal([text] { static_cast<void>(Endpoint::parse(text)); });
}

}  // namespace

TEST_CASE("an endpoint is a kind and parts, divided by colons") {
  const Endpoint endpoint = Endpoint::parse("tcp:example.org:80");

  CHECK(endpoint.kind() == "tcp");
  CHECK(endpoint.parts() == Texts{"example.org", "80"});
  CHECK(endpoint.part(1) == "80");
  CHECK(endpoint.option("80") == nullptr);
}

TEST_CASE("an endpoint's kind may stand alone with its colon") {
  CHECK(Endpoint::parse("stdio:").kind() == "stdio");
  CHECK(Endpoint::parse("stdio:").parts().empty());
  CHECK(Endpoint::parse("a-kind_2:").kind() == "a-kind_2");
}

TEST_CASE("an endpoint's options stand last, and are found by name") {
  const Endpoint endpoint = Endpoint::parse("tls:a.example:443:name=b.example:ca=/etc/ca:key=");

  CHECK(endpoint.parts() == Texts{"a.example", "443"});
  REQUIRE(endpoint.option("ca") != nullptr);
  CHECK(*endpoint.option("ca") == "/etc/ca");
  REQUIRE(endpoint.option("name") != nullptr);
  CHECK(*endpoint.option("name") == "b.example");
  REQUIRE(endpoint.option("key") != nullptr);
  CHECK(endpoint.option("key")->empty());
  CHECK(endpoint.option("certificate") == nullptr);
}

TEST_CASE("an endpoint may have options and no parts") {
  const Endpoint endpoint = Endpoint::parse("stdio:raw=yes");

  CHECK(endpoint.parts().empty());
  CHECK(endpoint.option("raw") != nullptr);
}

TEST_CASE("behind a backslash a character is a part of an endpoint's part") {
  CHECK(Endpoint::parse("unix:/run/a\\:b").parts() == Texts{"/run/a:b"});
  CHECK(Endpoint::parse("unix:/run/a\\=b").parts() == Texts{"/run/a=b"});
  CHECK(Endpoint::parse("unix:/run/a\\\\b").parts() == Texts{"/run/a\\b"});
  CHECK(Endpoint::parse("unix:\\[x]").parts() == Texts{"[x]"});
  CHECK(Endpoint::parse("unix:\\n\\@").parts() == Texts{"n@"});
  CHECK(*Endpoint::parse("tls:a:1:ca=c\\:\\\\ca").option("ca") == "c:\\ca");
}

TEST_CASE("in an endpoint's part a bracket is a bracket, but at the beginning") {
  CHECK(Endpoint::parse("unix:/run/[x]").parts() == Texts{"/run/[x]"});
  CHECK(Endpoint::parse("unix:]").parts() == Texts{"]"});
}

TEST_CASE("in the value of an endpoint's option an equals sign is one") {
  CHECK(*Endpoint::parse("tls:a:1:ca=a=b=").option("ca") == "a=b=");
}

TEST_CASE("an endpoint's IPv6 address stands in brackets, which are not in its part") {
  CHECK(Endpoint::parse("tcp:[::1]:80").parts() == Texts{"::1", "80"});
  CHECK(Endpoint::parse("tcp:[fe80::1%eth0]:80").part(0) == "fe80::1%eth0");
  CHECK(Endpoint::parse("tcp:[::ffff:127.0.0.1]").parts() == Texts{"::ffff:127.0.0.1"});
  CHECK(Endpoint::parse("tcp:[1:2:3:4:5:6:7:8]").parts() == Texts{"1:2:3:4:5:6:7:8"});
  CHECK(Endpoint::parse("tcp:[0:0:0:0:0:FFFF:1.2.3.4]").parts() == Texts{"0:0:0:0:0:FFFF:1.2.3.4"});
  CHECK(*Endpoint::parse("tcp:a:80:from=[::1]").option("from") == "::1");
}

TEST_CASE("an endpoint's parts may be empty") {
  CHECK(Endpoint::parse("process:grep::a:").parts() == Texts{"grep", "", "a", ""});
  CHECK(Endpoint::parse("tcp::").parts() == Texts{"", ""});
  CHECK(Endpoint::parse("tcp::a=b").parts() == Texts{""});
}

TEST_CASE("an endpoint's text is parsed to an equal one, and is the same for equal ones") {
  struct Row {
    std::string written;
    std::string text;
  };
  const std::vector<Row> rows = {
      {"tcp:a:80", "tcp:a:80"},
      {"stdio:", "stdio:"},
      {"tcp::", "tcp::"},
      {"tcp::a=b", "tcp::a=b"},
      {"stdio:b=1:a=2", "stdio:a=2:b=1"},
      {"tcp:\\a:8\\0:f=\\=\\x", "tcp:a:80:f==x"},
      {"unix:a\\:\\\\\\=b", "unix:a\\:\\\\\\=b"},
      {"unix:\\[a[]:x=\\[", "unix:\\[a[]:x=\\["},
      {"tcp:[::1]:80", "tcp:[::1]:80"},
      {"tcp:\\:\\:1:80", "tcp:[::1]:80"},
      {"tcp:[fe80::1%a\\:b[]", "tcp:[fe80::1%a\\:b[]"},
      {"tcp:fe80\\:\\:1%]:a=fe80\\:\\:%", "tcp:fe80\\:\\:1%]:a=fe80\\:\\:%"},
      {"tcp:a:from=\\:\\:", "tcp:a:from=[::]"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.written);
    const Endpoint endpoint = Endpoint::parse(row.written);
    CHECK(endpoint.text() == row.text);
    CHECK(Endpoint::parse(endpoint.text()) == endpoint);
  }
}

TEST_CASE("endpoints are equal if kind, parts and options are") {
  const Endpoint endpoint = Endpoint::parse("tcp:a:80:x=1:y=2");

  CHECK(endpoint == Endpoint::parse("tcp:a:80:y=2:x=1"));
  CHECK(endpoint != Endpoint::parse("udp:a:80:x=1:y=2"));
  CHECK(endpoint != Endpoint::parse("tcp:a\\:80:x=1:y=2"));
  CHECK(endpoint != Endpoint::parse("tcp:a:80:x=1:y=3"));
  CHECK(endpoint != Endpoint::parse("tcp:a:80:x=1"));
}

TEST_CASE(
    "an escaped text is read back as one part of an endpoint, and as the value of an option") {
  for (const std::string text :
       {"plain", "a:b",   "a\\b",  "\\",    ":",     "a=b",      "=",
        "[",     "[::1]", "[a",    "]",     "::1",   "::",       "fe80::1%eth0",
        "::3%",  "::3%]", "1:2:3", "C:\\x", "a b\n", "\xc3\xa9", "1:2"}) {
    CAPTURE(text);
    CHECK(Endpoint::parse("unix:" + io::escape(text)).parts() == Texts{text});
    CHECK(*Endpoint::parse("unix:a:o=" + io::escape(text)).option("o") == text);
  }
}

TEST_CASE("what is no endpoint is refused, with what is wrong") {
  struct Row {
    std::string text;
    std::string why;
  };
  const std::vector<Row> rows = {
      {"", "a kind and a colon come first, as in tcp:HOST:PORT"},
      {"example.org", "a kind and a colon come first, as in tcp:HOST:PORT"},
      {":", "'' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"::1", "'' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"127.0.0.1:80", "'127.0.0.1' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"example.org:80", "'example.org' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"[::1]:80", "'[' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"t\\:cp:a", "'t\\' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"a=b:c", "'a=b' is no kind; one comes first, as in tcp:HOST:PORT"},
      {" tcp:a", "' tcp' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"-:a", "'-' is no kind; one comes first, as in tcp:HOST:PORT"},
      {"unix:a\\",
       "it ends with a backslash, which has nothing to escape; a backslash is written \\\\"},
      {"unix:a:b=\\",
       "it ends with a backslash, which has nothing to escape; a backslash is written \\\\"},
      {"tcp:[::1", "a [ has no ]; a part that begins with [ is written \\["},
      {"tcp:[", "a [ has no ]; a part that begins with [ is written \\["},
      {"tcp:[]", "'' in brackets is no IPv6 address; a part that begins with [ is written \\["},
      {"tcp:[a.example]:80",
       "'a.example' in brackets is no IPv6 address; a part that begins with [ is written \\["},
      {"tcp:[12:34]:80",
       "'12:34' in brackets is no IPv6 address; a part that begins with [ is written \\["},
      {"tcp:[1:2:3:4:5:6]:80",
       "'1:2:3:4:5:6' in brackets is no IPv6 address; a part that begins with [ is written \\["},
      {"tcp:[::1%]:80",
       "'::1%' in brackets is no IPv6 address; a part that begins with [ is written \\["},
      {"tcp:[::1]80", "'80' stands behind a ], where a colon should be"},
      {"tcp:[::1]=80", "'=80' stands behind a ], where a colon should be"},
      {"unix:/a=b", "'/a' is no option's name; the = of a part is written \\="},
      {"process:cat:--n=1", "'--n' is no option's name; the = of a part is written \\="},
      {"tcp:=b", "'' is no option's name; the = of a part is written \\="},
      {"tcp:a:x=1:80", "the part '80' stands behind an option; options come last"},
      {"tcp:a:x=1:", "the part '' stands behind an option; options come last"},
      {"tcp:a:x=1:x=1", "the option 'x' is there twice"},
  };
  for (const Row& row : rows) {
    CHECK(refusal_of(row.text) == "endpoint '" + row.text + "': " + row.why);
  }
}

TEST_CASE("a NUL in an endpoint is refused, wherever it is") {
  using namespace std::string_literals;
  CHECK(refusal_of("\0"s) == "endpoint '\\x00': its byte number 0 is NUL");
  CHECK(refusal_of("unix:/a\0b"s) == "endpoint 'unix:/a\\x00b': its byte number 7 is NUL");
  CHECK(refusal_of("unix:\\\0"s) == "endpoint 'unix:\\\\x00': its byte number 6 is NUL");
  CHECK(refusal_of("tcp:[::1%\0]"s) == "endpoint 'tcp:[::1%\\x00]': its byte number 9 is NUL");
}

TEST_CASE("an endpoint has at most 65,536 bytes") {
  const std::string most = "unix:" + std::string(Endpoint::longest - 5, 'x');
  const std::string beginning = "endpoint '" + most.substr(0, 100) + "...': ";

  CHECK(Endpoint::parse(most).text() == most);
  CHECK(refusal_of(most + "x") == beginning + "it has 65537 bytes, and may have 65536");
  CHECK(refusal_of("unix:" + std::string(1 << 20, 'x')) ==
        beginning + "it has 1048581 bytes, and may have 65536");
}

TEST_CASE("the error of an endpoint shows what it quotes in part, and as ASCII") {
  const std::string name(1000, 'n');

  CHECK(refusal_of("\x1b[2J\n\xff:") ==
        "endpoint '\\x1b[2J\\x0a\\xff:': '\\x1b[2J\\x0a\\xff' is no "
        "kind; one comes first, as in tcp:HOST:PORT");
  CHECK(refusal_of("tcp:" + name + "=:" + name + "=") ==
        "endpoint 'tcp:" + std::string(96, 'n') + "...': the option '" + std::string(100, 'n') +
            "...' is there twice");
}

TEST_CASE("the error of an endpoint is copied with its text") {
  try {
    Endpoint::parse("");
    FAIL("no error");
  } catch (const std::system_error& error) {
    const std::string what = error.what();
    const std::exception_ptr kept = std::current_exception();
    CHECK_THROWS_WITH(std::rethrow_exception(kept), what.c_str());
    CHECK(std::system_error(error).what() == what + ": no endpoint, or not one of its kind");
  }
}

TEST_CASE("a port of an endpoint is a number from 0 to 65535") {
  CHECK(Endpoint::parse("tcp:a:0").port(1) == 0);
  CHECK(Endpoint::parse("tcp:a:65535").port(1) == 65535);
  for (const std::string text : {"", "65536", "99999999999999999999", "-1", "+1", " 1", "1 ", "080",
                                 "00", "0x1", "http", "1.0", "8\\:0"}) {
    const Endpoint endpoint = Endpoint::parse("tcp:a:" + text);
    CHECK(refusal([&] { static_cast<void>(endpoint.port(1)); }) ==
          "endpoint 'tcp:a:" + text + "': '" + endpoint.part(1) +
              "' is no port, which is a number from 0 to 65535");
  }
}

TEST_CASE("a part that an endpoint does not have is an error") {
  CHECK(refusal([] { static_cast<void>(Endpoint::parse("stdio:").part(0)); }) ==
        "endpoint 'stdio:': it has no parts, and is asked for number 1");
  CHECK(refusal([] { static_cast<void>(Endpoint::parse("tcp:a").port(1)); }) ==
        "endpoint 'tcp:a': it has 1 part, and is asked for number 2");
}

TEST_CASE("an endpoint is held to how many parts its kind has") {
  const auto held = [](std::string_view text, std::size_t least, std::size_t most) {
    return refusal([=] { Endpoint::parse(text).require("tcp:HOST:PORT", least, most); });
  };

  CHECK(held("tcp:a:80", 2, 2) == "no error");
  CHECK(held("tcp:a", 1, 2) == "no error");
  CHECK(held("tcp:", 0, 0) == "no error");
  CHECK(held("tcp:a:b:c", 1, Endpoint::any_number) == "no error");
  CHECK(held("tcp:80", 2, 2) == "endpoint 'tcp:80': it has 1 part, and tcp:HOST:PORT has 2");
  CHECK(held("tcp:", 2, 2) == "endpoint 'tcp:': it has no parts, and tcp:HOST:PORT has 2");
  CHECK(held("tcp:a:1:2", 1, 2) ==
        "endpoint 'tcp:a:1:2': it has 3 parts, and tcp:HOST:PORT has 1 to 2");
  CHECK(held("tcp:", 1, Endpoint::any_number) ==
        "endpoint 'tcp:': it has no parts, and tcp:HOST:PORT has at least 1");
}

TEST_CASE(
    "an IPv6 address without its brackets is too many parts of an endpoint, and the error says "
    "so") {
  const auto held = [](std::string_view text) {
    return refusal([text] { Endpoint::parse(text).require("tcp:HOST:PORT", 2, 2, {"x"}); });
  };

  CHECK(held("tcp:::1:80") ==
        "endpoint 'tcp:::1:80': it has 4 parts, and tcp:HOST:PORT has 2; an "
        "IPv6 address stands in brackets");
  CHECK(held("tcp:1:2:3:4:5:6:7:8") ==
        "endpoint 'tcp:1:2:3:4:5:6:7:8': it has 8 parts, and tcp:HOST:PORT has 2; an IPv6 address "
        "stands in brackets");
  CHECK(held("tcp:fe80::1%a:80:x=1") ==
        "endpoint 'tcp:fe80::1%a:80:x=1': it has 4 parts, and "
        "tcp:HOST:PORT has 2; an IPv6 address stands in brackets");
  CHECK(held("tcp:[::1]:80:90") ==
        "endpoint 'tcp:[::1]:80:90': it has 3 parts, and tcp:HOST:PORT has 2");
  CHECK(refusal([] { Endpoint::parse("x:1::2").require("x:A:B:C:D", 4, 4); }) ==
        "endpoint 'x:1::2': it has 3 parts, and x:A:B:C:D has 4");
}

TEST_CASE("an option that an endpoint's kind does not have is an error that names those it has") {
  const Endpoint endpoint = Endpoint::parse("tls:a:443:key=k:verify=off");

  CHECK(refusal([&] { endpoint.require("tls:HOST:PORT", 2, 2, {"key", "verify"}); }) == "no error");
  CHECK(refusal([&] { endpoint.require("tls:HOST:PORT", 2, 2, {"ca", "key"}); }) ==
        "endpoint 'tls:a:443:key=k:verify=off': 'verify' is no option of tls:HOST:PORT, which has "
        "ca, key");
  CHECK(refusal([&] { endpoint.require("tls:HOST:PORT", 2, 2); }) ==
        "endpoint 'tls:a:443:key=k:verify=off': 'key' is no option of tls:HOST:PORT, which has "
        "none");
}

TEST_CASE("who knows the kind of an endpoint refuses it with a text of his own") {
  const Endpoint endpoint = Endpoint::parse("tcp:80");

  CHECK(refusal([&] { endpoint.refuse("a host comes before the port, or * for all"); }) ==
        "endpoint 'tcp:80': a host comes before the port, or * for all");
}
