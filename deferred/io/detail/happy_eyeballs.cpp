// SPDX-License-Identifier: MIT
#include "deferred/io/detail/happy_eyeballs.hpp"

#include <algorithm>
#include <utility>

#include "deferred/io/detail/member_body.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"

namespace deferred::io::detail {

std::vector<Address> interleaved(std::vector<Address> addresses) {
  const auto is_six = [](const Address& address) {
    return address.family() == Address::Family::ipv6;
  };
  std::vector<Address> sixes;
  std::vector<Address> others;
  for (const Address& address : addresses) (is_six(address) ? sixes : others).push_back(address);
  std::vector<Address> ordered;
  for (std::size_t i = 0; i < std::max(sixes.size(), others.size()); ++i) {
    if (i < sixes.size()) ordered.push_back(sixes[i]);
    if (i < others.size()) ordered.push_back(others[i]);
  }
  return ordered;
}

Task<Stream> Attempts::run(std::vector<Address> addresses) {
  ordered_ = interleaved(std::move(addresses));
  if (ordered_.empty()) fail(Errc::not_an_address);
  if (ordered_.size() == 1) {
    Task<Stream> only = network_.connect(ordered_.front());
    try {
      co_return co_await std::move(only);
    } catch (const std::system_error& error) {
      fail(error.code());
    }
  }
  const MemberBody<Attempts> body(*this, &Attempts::start_all);
  co_await with_nursery(body);
  if (!winner_ && failed_.empty()) fail(std::make_error_code(std::errc::operation_canceled));
  if (!winner_) fail(failed_.back().error);
  co_return std::move(*winner_);
}

Task<> Attempts::start_all(Nursery& nursery) {
  for (const Address& address : ordered_) {
    Event& over = over_.emplace_back();
    nursery.spawn(attempt(nursery, address, over));
    if (over_.size() < ordered_.size()) co_await move_on_after(stagger_, over);
  }
}

Task<> Attempts::attempt(Nursery& nursery, Address address, Event& over) {
  try {
    Stream stream = co_await network_.connect(address);
    if (!winner_) winner_ = std::move(stream);
    nursery.cancel();
  } catch (const std::system_error& error) {
    note(address, error.code());
    over.set();
  }
}

// The last one's text is the error's own.
void Attempts::fail(std::error_code error) const {
  std::string what = what_;
  const bool alike = std::all_of(failed_.begin(), failed_.end(),
                                 [&](const Failed& failed) { return failed.error == error; });
  if (alike) throw std::system_error(error, what);
  const char* before = ": ";
  for (const Failed& failed : failed_) {
    what += before + failed.address.text();
    const bool is_last = &failed == &failed_.back() && failed.error == error;
    if (!is_last) what += ": " + failed.error.message();
    before = "; ";
  }
  if (failed_.back().error != error) what += "; all";
  throw std::system_error(error, what);
}

}  // namespace deferred::io::detail
