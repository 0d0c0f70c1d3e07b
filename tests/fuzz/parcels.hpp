// SPDX-License-Identifier: MIT
//
// What is sent through Channels, and the book in which it is kept: each parcel that was made is
// taken once, by who receives it or by a sender who could not send it; one that ends untaken is
// lost, and somebody has to have put it at stake. A Bell is an Event that knows when it rang.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"

namespace deferred::fuzz {

struct ParcelBook {
  int made = 0;
  int taken = 0;
  int lost = 0;
  int may_be_lost = 0;
};

class Parcel {
 public:
  explicit Parcel(ParcelBook& book) : book_(&book) { ++book.made; }
  Parcel(Parcel&& other) noexcept : book_(std::exchange(other.book_, nullptr)) {}
  Parcel& operator=(Parcel&&) = delete;
  ~Parcel() {
    if (book_) ++book_->lost;
  }

  /// It was not moved on.
  bool here() const noexcept { return book_ != nullptr; }
  void take() noexcept {
    if (book_) ++std::exchange(book_, nullptr)->taken;
  }

 private:
  ParcelBook* book_;
};

/// A sender's variable.
class Outgoing {
 public:
  explicit Outgoing(ParcelBook& book) : parcel(book) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { parcel.take(); }

  Parcel parcel;
};

/// While somebody waits for so many parcels that may be lost with him, unless he says that none is.
/// Only what was lost meanwhile is his.
class AtStake {
 public:
  AtStake(ParcelBook& book, int parcels) noexcept
      : book_(book), parcels_(parcels), lost_before_(book.lost) {}
  AtStake(const AtStake&) = delete;
  AtStake& operator=(const AtStake&) = delete;
  ~AtStake() { book_.may_be_lost += std::min(parcels_, book_.lost - lost_before_); }
  void none_is_lost() noexcept { parcels_ = 0; }

 private:
  ParcelBook& book_;
  int parcels_;
  const int lost_before_;
};

/// While it lives, one more is counted.
class OneMore {
 public:
  explicit OneMore(int& count) noexcept : count_(count) { ++count_; }
  OneMore(const OneMore&) = delete;
  OneMore& operator=(const OneMore&) = delete;
  ~OneMore() { --count_; }

 private:
  int& count_;
};

struct Line {
  explicit Line(std::size_t capacity) : channel(capacity) {}
  Channel<Parcel> channel;
  int receiving = 0;  // that wait for it alone
  int sending = 0;
};

class Bell {
 public:
  void ring(unsigned position) {
    rung_.push_back(position);
    event.set();
  }
  /// When it has answered one who waits since `begun`; 0 if it had been set before.
  unsigned first_since(unsigned begun, bool was_set) const noexcept {
    if (was_set) return 0;
    for (const unsigned position : rung_) {
      if (position > begun) return position;
    }
    return ~0U;
  }

  Event event;

 private:
  std::vector<unsigned> rung_;
};

}  // namespace deferred::fuzz
