// SPDX-License-Identifier: MIT
//
// Attempts: to connect to one of several addresses, after RFC 8305.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "deferred/io/network.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/event.hpp"

namespace deferred::io::detail {

/// The families take turns, IPv6 first; within one the order stays.
std::vector<Address> interleaved(std::vector<Address> addresses);

class Attempts {
 public:
  /// `what` is put before the error. REQUIRES: the network outlives it.
  Attempts(std::string what, Network& network, Duration stagger)
      : what_(std::move(what)), network_(network), stagger_(stagger) {}
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;

  /// The first that answers; when it is given, the others have unwound.
  Task<Stream> run(std::vector<Address> addresses);
  /// Notes what an attempt has come to.
  void note(const Address& address, std::error_code error) { failed_.push_back({address, error}); }
  /// Throws what each attempt has come to, and then `error`.
  [[noreturn]] void fail(std::error_code error) const;

 private:
  struct Failed {
    Address address;
    std::error_code error;
  };
  Task<> start_all(Nursery& nursery);
  Task<> attempt(Nursery& nursery, Address address, Event& over);

  std::string what_;
  Network& network_;
  Duration stagger_;
  std::vector<Address> ordered_;
  std::deque<Event> over_;  // one for each attempt: it has failed
  std::vector<Failed> failed_;
  std::optional<Stream> winner_;
};

}  // namespace deferred::io::detail
