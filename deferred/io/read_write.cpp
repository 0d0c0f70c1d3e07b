// SPDX-License-Identifier: MIT
#include "deferred/io/read_write.hpp"

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"

namespace deferred::io {
namespace {

using detail::reading;
using detail::writing;

[[noreturn, gnu::cold]] void nobody(const char* what) {
  throw std::system_error(Errc::closed, std::string(what) + "nobody");
}

std::string text(const char* what, const TransportPointer& transport) {
  return what + (transport ? transport->peer() : std::string("nobody"));
}

}  // namespace

std::string ReadSome::describe() const { return text(reading, transport_); }

ReadSome::Reading::Reading(const ReadSome& read, Waiter<std::size_t>&& waiter)
    : buffer_(read.buffer_) {
  if (buffer_.empty()) throw std::invalid_argument("read_some: the buffer is empty");
  if (!read.transport_) [[unlikely]]
    nobody(reading);
  Transport& transport = *read.transport_;
  if (!transport.open_ || transport.reading_) [[unlikely]]
    transport.refuse(reading);
  transport.readable_.require_same(waiter.reactor());
  if (!transport.unread_.empty()) {
    waiter.resume(transport.take_unread(buffer_));
    return;
  }
  if (!transport.should_wait_first()) {
    const auto got = transport.read_now(buffer_);
    if (got) {
      waiter.resume(*got);
      return;
    }
  }
  wait_for(transport.begin_to_wait(transport.readable_));
  waiter_ = std::move(waiter);
  transport_ = &transport;
  transport.reading_ = true;
}

bool ReadSome::Reading::on_ready() noexcept {
  std::size_t got = 0;
  Failure failure;
  const bool pending = waiter_.pending();  // if it is cancelled, what has come is the next reader's
  if (pending) {
    try {
      const auto read = transport_->read_now(buffer_);
      if (!read) return true;  // a report too many
      got = *read;
    } catch (...) {
      failure = Failure::current();
    }
  }
  leave();
  give_back();
  if (failure) [[unlikely]] {
    waiter_.throw_(std::move(failure));
  } else if (pending) {
    waiter_.resume(got);
  }
  return false;
}

void ReadSome::Reading::on_end(Failure why) noexcept {
  give_back();
  waiter_.throw_(std::move(why));
}

ReadSome::operator Task<std::size_t>() const {
  return [](ReadSome self) -> Task<std::size_t> { co_return co_await unlisted(self); }(*this);
}

WriteSome::Writing::Writing(const WriteSome& write, Waiter<std::size_t>&& waiter)
    : data_(write.data_) {
  if (!write.transport_) [[unlikely]]
    nobody(writing);
  Transport& transport = *write.transport_;
  if (!transport.open_ || transport.writing_) [[unlikely]]
    transport.refuse(writing);
  transport.readable_.require_same(waiter.reactor());
  if (data_.empty()) {
    waiter.resume(std::size_t{0});
    return;
  }
  if (!transport.has_run_long()) {
    const auto taken = transport.write_now(data_);
    if (taken) {
      waiter.resume(*taken);
      return;
    }
  }
  wait_for(transport.begin_to_wait(transport.writable_));
  waiter_ = std::move(waiter);
  transport_ = &transport;
  transport.writing_ = true;
}

bool WriteSome::Writing::on_ready() noexcept {
  std::size_t taken = 0;
  Failure failure;
  const bool pending = waiter_.pending();  // if it is cancelled, nothing is taken any more
  if (pending) {
    try {
      const auto written = transport_->write_now(data_);
      if (!written) return true;
      taken = *written;
    } catch (...) {
      failure = Failure::current();
    }
  }
  leave();
  give_back();
  if (failure) [[unlikely]] {
    waiter_.throw_(std::move(failure));
  } else if (pending) {
    waiter_.resume(taken);
  }
  return false;
}

void WriteSome::Writing::on_end(Failure why) noexcept {
  give_back();
  waiter_.throw_(std::move(why));
}

WriteSome::operator Task<std::size_t>() const {
  return [](WriteSome self) -> Task<std::size_t> { co_return co_await unlisted(self); }(*this);
}

WriteAll::Writing::Writing(const WriteAll& write, Waiter<void>&& waiter) : data_(write.data_) {
  if (!write.transport_) [[unlikely]]
    nobody(writing);
  Transport& transport = *write.transport_;
  if (!transport.open_ || transport.writing_) [[unlikely]]
    transport.refuse(writing);
  transport.readable_.require_same(waiter.reactor());
  try {
    while (taken_ < data_.size() && !transport.has_run_long()) {
      const auto taken = transport.write_now(data_.substr(taken_));
      if (!taken) break;
      taken_ += *taken;
    }
    if (taken_ == data_.size() && (!transport.keeps_output || transport.try_flush())) {
      waiter.resume();
      return;
    }
    wait_for(transport.begin_to_wait(transport.writable_));
  } catch (...) {
    transport.end_write(taken_, data_.size());
    throw;
  }
  waiter_ = std::move(waiter);
  transport_ = &transport;
  transport.writing_ = true;
}

// One call a report: the others get their turn, however fast the peer reads.
bool WriteAll::Writing::write_now(Transport& transport) {
  if (taken_ < data_.size()) {
    const auto taken = transport.write_now(data_.substr(taken_));
    if (taken) taken_ += *taken;
  }
  return taken_ == data_.size() && (!transport.keeps_output || transport.try_flush());
}

bool WriteAll::Writing::on_ready() noexcept {
  Failure failure;
  const bool pending = waiter_.pending();
  if (pending) {
    try {
      if (!write_now(*transport_)) return true;
    } catch (...) {
      failure = Failure::current();
    }
  }
  leave();
  give_back();
  if (failure) [[unlikely]] {
    waiter_.throw_(std::move(failure));
  } else if (pending) {
    waiter_.resume();
  }
  return false;
}

void WriteAll::Writing::on_end(Failure why) noexcept {
  give_back();
  waiter_.throw_(std::move(why));
}

WriteAll::operator Task<void>() && {
  return [](WriteAll self) -> Task<void> { co_await unlisted(std::move(self)); }(std::move(*this));
}

}  // namespace deferred::io
