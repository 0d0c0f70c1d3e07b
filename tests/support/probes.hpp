// SPDX-License-Identifier: MIT
//
// Yieldables that check their own protocol: each has to be started once and undone once by the time
// that the last trace of it is gone.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/tasks/yield_to.hpp"

namespace deferred::testing {

/// Notes its end in a list.
struct NotesEnd {
  NotesEnd(std::vector<std::string>& notes, std::string text)
      : notes_(&notes), text_(std::move(text)) {}
  NotesEnd(const NotesEnd&) = delete;
  NotesEnd& operator=(const NotesEnd&) = delete;
  ~NotesEnd() { notes_->push_back(text_); }

 private:
  std::vector<std::string>* notes_;
  std::string text_;
};

/// The starts and ends of one probe, checked when the last of probe and undo is gone.
struct ProbeRecord {
  ProbeRecord() = default;
  ProbeRecord(const ProbeRecord&) = delete;
  ProbeRecord& operator=(const ProbeRecord&) = delete;
  ~ProbeRecord() {
    CHECK_MESSAGE(started == 1, "a probe is started once");
    CHECK_MESSAGE(undone == 1, "a probe is undone once");
  }
  int started = 0;
  int undone = 0;
};

/// The undo of a probe: neither copied nor moved.
class ProbeUndo {
 public:
  explicit ProbeUndo(std::shared_ptr<ProbeRecord> record) : record_(std::move(record)) {
    ++record_->started;
  }
  ProbeUndo(const ProbeUndo&) = delete;
  ProbeUndo& operator=(const ProbeUndo&) = delete;
  ~ProbeUndo() { ++record_->undone; }

 private:
  std::shared_ptr<ProbeRecord> record_;
};

class Probe {
 public:
  Probe() : record_(std::make_shared<ProbeRecord>()) {}
  int started() const { return record_->started; }
  int undone() const { return record_->undone; }

 protected:
  ProbeUndo begun() const { return ProbeUndo(record_); }

 private:
  std::shared_ptr<ProbeRecord> record_;
};

/// Answers inside its handler.
template <class R>
class AtOnce : public Probe {
 public:
  explicit AtOnce(R value) : value_(std::move(value)) {}
  ProbeUndo yield_to(Waiter<R> waiter) {
    waiter.resume(std::move(value_));
    return begun();
  }

 private:
  R value_;
};

/// Keeps its Waiter, for the test to answer: `later.waiter().resume(1)`.
template <class R>
class Later : public Probe {
 public:
  Later() : waiter_(std::make_shared<std::optional<Waiter<R>>>()) {}
  ProbeUndo yield_to(Waiter<R> waiter) {
    waiter_->emplace(std::move(waiter));
    return begun();
  }
  bool waiting() const { return waiter_->has_value() && (*waiter_)->pending(); }
  Waiter<R>& waiter() { return waiter_->value(); }
  void drop_waiter() { waiter_->reset(); }

 private:
  std::shared_ptr<std::optional<Waiter<R>>> waiter_;
};

/// Answers with an error inside its handler.
template <class E>
class Failing : public Probe {
 public:
  explicit Failing(E error) : error_(std::move(error)) {}
  ProbeUndo yield_to(Waiter<void> waiter) {
    waiter.throw_(error_);
    return begun();
  }

 private:
  E error_;
};

/// Is never answered; ended from outside.
class Never : public Probe {
 public:
  ProbeUndo yield_to(Waiter<void> waiter) {
    *waiter_ = std::move(waiter);
    return begun();
  }

 private:
  std::shared_ptr<std::optional<Waiter<void>>> waiter_ =
      std::make_shared<std::optional<Waiter<void>>>();
};

/// Does not keep its Waiter.
class Dropped : public Probe {
 public:
  ProbeUndo yield_to(Waiter<void>) { return begun(); }
};

/// Answers a second time, which must do nothing.
class Twice : public Probe {
 public:
  ProbeUndo yield_to(Waiter<int> waiter) {
    CHECK(waiter.resume(1));
    CHECK_FALSE(waiter.resume(2));
    CHECK_FALSE(waiter.throw_(3));
    return begun();
  }
};

}  // namespace deferred::testing
