// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/events.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <utility>

namespace deferred::testing::simulation {
namespace {

// "12.345678": seconds.
void write_time(std::ostream& out, TimePoint at) {
  char text[32];
  const auto nanoseconds = at.time_since_epoch().count();
  std::snprintf(text, sizeof text, "%4lld.%09lld  ",
                static_cast<long long>(nanoseconds / 1'000'000'000),
                static_cast<long long>(nanoseconds % 1'000'000'000));
  out << text;
}

}  // namespace

const char* name_of(What what) noexcept {
  switch (what) {
    case What::call:
      return "call";
    case What::answer:
      return "answer";
    case What::segment:
      return "segment";
    case What::end:
      return "end";
    case What::credit:
      return "credit";
    case What::reset:
      return "reset";
    case What::call_again:
      return "call again";
    case What::send_again:
      return "send again";
    case What::is_readable:
      return "readable";
    case What::is_writable:
      return "writable";
    case What::has_callers:
      return "has callers";
    case What::datagram:
      return "datagram";
    case What::refused:
      return "refused";
  }
  return "?";
}

void Events::post(TimePoint at, Party& party, const Happening& happening) {
  if (!reactor_) return;
  if (free_.empty()) {
    slots_.emplace_back();
    free_.reserve(slots_.capacity());
    free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  heap_.push_back({at, sequence_, free_.back()});  // may throw; what follows does not
  slots_[free_.back()] = {Held<Party>(&party), happening};
  free_.pop_back();
  ++sequence_;
  std::push_heap(heap_.begin(), heap_.end());
  if (!happening_ && at < armed_) arm();
}

// Sets the timer for the first.
void Events::arm() {
  if (heap_.empty() || !reactor_) return;
  const TimePoint at = heap_.front().at;
  timer_ = reactor_->call_at(at, [this] { wake_up(); });
  armed_ = at;
}

Events::Event Events::take_first() noexcept {
  const std::uint32_t slot = heap_.front().slot;
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.pop_back();
  free_.push_back(slot);
  return std::move(slots_[slot]);
}

void Events::wake_up() {
  happening_ = true;
  armed_ = TimePoint::max();
  try {
    let_happen();
  } catch (...) {
    happening_ = false;
    arm();
    throw;
  }
  happening_ = false;
  arm();
}

// What they post for now is of the next turn.
void Events::let_happen() {
  const TimePoint present = now();
  const std::uint64_t next_turns = sequence_;
  while (!heap_.empty() && heap_.front().at <= present && heap_.front().sequence < next_turns) {
    const Event event = take_first();
    ++count_;
    const Happening& happening = event.happening;
    mix(static_cast<std::uint64_t>(present.time_since_epoch().count()));
    mix(event.party->id() << 16 | static_cast<std::uint64_t>(happening.what) << 8 | happening.side);
    mix(happening.bytes);
    if (out_) [[unlikely]]
      write(event);
    event.party->happens(happening);
  }
}

void Events::write(const Event& event) {
  write_time(*out_, now_);
  *out_ << event.party->text(event.happening) << '\n';
}

void Events::note(std::string_view what) {
  for (const char c : what) mix(static_cast<unsigned char>(c));
  mix(static_cast<std::uint64_t>(now().time_since_epoch().count()));
  if (!out_) return;
  write_time(*out_, now_);
  *out_ << what << '\n';
}

void Events::end() noexcept {
  timer_ = DelayedCall();
  reactor_ = nullptr;
  heap_.clear();
  free_.clear();
  std::vector<Event>().swap(slots_);
}

}  // namespace deferred::testing::simulation
