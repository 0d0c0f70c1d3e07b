// SPDX-License-Identifier: MIT
//
// Join: what all(), all_settled(), any() and race() do with the ends of their inputs. Input: one of
// these, whatever its type. Next: inputs.hpp (what is an input), joined.hpp (the yieldables).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/results/cancelling.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

class Join;

enum class Joining : std::uint8_t { all, all_settled, any, race };

/// As what a failure of an input is noted in its trace.
constexpr Failure::Passed passed_by(Joining how) {
  return static_cast<Failure::Passed>(static_cast<std::uint8_t>(Failure::Passed::all) +
                                      static_cast<std::uint8_t>(how));
}

class Input {
 public:
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// It has begun, and has neither ended nor lost.
  virtual bool waits() const noexcept = 0;
  /// Asks it to end: once, of a cancel of the whole; else because it has lost. True: it is over, if
  /// one says so, by one of the two below.
  virtual bool ask_to_end(bool has_lost) = 0;
  virtual void end_cancelled() noexcept = 0;
  /// It does not end any more, if it waits.
  virtual void expire() noexcept = 0;
  virtual void end_undo_soon() noexcept = 0;
  /// What it has failed with, in place of a value; null if it has not.
  virtual const Failure* failure() const noexcept = 0;

 protected:
  /// Whether it may answer, when it is asked, that it will end by itself.
  explicit Input(bool can_be_asked) noexcept : can_be_asked_(can_be_asked) {}
  ~Input() = default;

 private:
  friend class Join;
  Input* next_ = nullptr;  // begun after it
  std::size_t index_ = 0;
  bool can_be_asked_;
  bool is_waited_for_ = false;  // although it has lost
  bool is_asked_ = false;       // for the cancel that is under way
  bool is_over_ = false;        // it is over, if one says so: what it has answered then
};

/// Decides. The first deciding end makes the others stale inside that call; those that will end by
/// themselves are waited for; then the result is given, once.
class Join {
 public:
  Join(const Join&) = delete;
  Join& operator=(const Join&) = delete;

  /// Of an input; the last act of whoever calls it.
  DEFERRED_API void ended(Input& input) noexcept;
  /// A one-shot cancel: each input is asked to end, and what they make of it is the result.
  DEFERRED_API Cancelling request_cancel() noexcept;

 protected:
  Join(Joining how, std::size_t inputs) noexcept
      : how_(how), left_(inputs), decided_(inputs == 0) {}
  /// Of each before it begins, in their order.
  void add(Input& input) noexcept {
    input.index_ = begun_++;
    (last_ ? last_->next_ : first_) = &input;
    last_ = &input;
    can_be_asked_ = can_be_asked_ || input.can_be_asked_;
  }
  ~Join() {
    if (gone_) *gone_ = true;
  }

  /// It is decided, and nothing is waited for: gives the result. May end *this.
  virtual void give() noexcept = 0;

  bool decided() const noexcept { return decided_; }
  bool is_complete() const noexcept { return decided_ && waited_for_ == 0; }
  std::size_t winner() const noexcept { return winner_; }
  /// Those that still wait, and are plain, are undone and will not end any more.
  DEFERRED_API void expire_all() noexcept;
  /// The failure that it comes to; an empty one, if it comes to a value. Once.
  DEFERRED_API Failure take_failure() noexcept;
  /// Nothing is given while one lives.
  class Busy {
   public:
    explicit Busy(Join& join) noexcept : join_(join), before_(std::exchange(join.busy_, true)) {}
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy() { join_.busy_ = before_; }

   private:
    Join& join_;
    bool before_;
  };

 private:
  bool decides(Input& input) noexcept;
  bool lets_others_decide(const Input& input) noexcept;
  void lose(Input& input, const bool& gone) noexcept;
  bool lose_all() noexcept;
  template <class Each>
  bool ask_each(Each each) noexcept;

  Joining how_;
  Input* first_ = nullptr;  // of those that have begun
  Input* last_ = nullptr;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
  std::size_t left_;            // those that have not ended, begun or not
  std::size_t waited_for_ = 0;  // those that have lost, and will end by themselves
  std::size_t winner_ = 0;      // of any and race
  Failure failure_;             // of all: the first
  bool* gone_ = nullptr;        // to be set at its end, while inputs are asked
  bool busy_ = false;
  bool asking_ = false;        // for a cancel
  bool can_be_asked_ = false;  // one of them
  bool decided_;
  bool failed_ = false;  // it comes to a failure
};

}  // namespace deferred::detail
