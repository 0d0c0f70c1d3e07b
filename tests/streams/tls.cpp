// SPDX-License-Identifier: MIT
#include "tests/streams/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace deferred::testing {
namespace {

constexpr std::size_t most_kept = 64 * 1024;
constexpr std::size_t record = 16 * 1024;
constexpr const char* reading = "read from ";
constexpr const char* writing = "write to ";

void throw_if(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

Task<io::Stream> tls_stream(io::Stream lower, TlsContext context, std::string name) {
  auto* const made = new TlsTransport(std::move(lower), std::move(context), name);
  io::Stream stream{io::TransportPointer(made)};
  while (true) {
    const bool done = made->try_handshake();
    if (done) break;
    co_await made->readable().wait();
  }
  co_return stream;
}

TlsTransport::TlsTransport(io::Stream lower, TlsContext context, const std::string& name)
    : Transport(lower.reactor(), lower.peer(), readable_half_, writable_half_),
      lower_(std::move(lower)),
      context_(std::move(context)),
      ssl_(::SSL_new(context_.get())),
      readable_half_(*this, true),
      writable_half_(*this, false),
      data_below_(*this, true),
      room_below_(*this, false) {
  // Somebody may have put them there before the other side was known.
  if (!lower_.buffered().empty()) throw std::logic_error("TLS over a stream with bytes buffered");
  keeps_output = true;
  BIO* const bio = ssl_ ? ::BIO_new(below()) : nullptr;
  if (!bio) throw std::bad_alloc();
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_.get(), bio, bio);
  ::SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (name.empty()) {
    ::SSL_set_accept_state(ssl_.get());
    return;
  }
  ::SSL_set_connect_state(ssl_.get());
  ::SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (::SSL_set1_host(ssl_.get(), name.c_str()) != 1) throw std::bad_alloc();
}

TlsTransport::~TlsTransport() {
  if (is_open()) TlsTransport::do_close(io::Ending::polite);
}

// Answers.

template <class F>
TlsTransport::Answer TlsTransport::ask(F operation) {
  ::ERR_clear_error();
  const int result = operation(ssl_.get());
  if (result == 1) return Answer::done;
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Answer::wait;
    case SSL_ERROR_ZERO_RETURN:
      return Answer::ended;
    default:
      broken_ = true;
      return Answer::failed;
  }
}

std::exception_ptr TlsTransport::error(const char* what) {
  std::string text = what + peer() + ": " + tls_error_text();
  const long verified = ::SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK) {
    text += std::string(" (") + ::X509_verify_cert_error_string(verified) + ")";
  }
  return std::make_exception_ptr(io::ProtocolError(text));
}

bool TlsTransport::try_handshake() {
  const Answer answer = ask([](SSL* ssl) { return ::SSL_do_handshake(ssl); });
  std::exception_ptr failed;
  if (answer == Answer::failed || answer == Answer::ended) failed = error("TLS handshake with ");
  push_all();  // an alert, too
  throw_if(failed);
  if (answer == Answer::done) return has_begun_ = true;
  throw_if(below_error_);
  throw_if(write_error_);
  if (below_ended_) throw TlsTruncated("TLS handshake with " + peer() + ": it was ended");
  inside_ = false;
  return false;
}

// OpenSSL is never told of an end or an error below: it would take nothing for the other direction
// any more.
std::optional<std::size_t> TlsTransport::try_read(std::span<char> into) {
  throw_if(read_error_);
  if (peer_said_end_) return 0;
  std::size_t got = 0;
  const Answer answer =
      ask([&](SSL* ssl) { return ::SSL_read_ex(ssl, into.data(), into.size(), &got); });
  if (answer == Answer::failed) read_error_ = error(reading);
  push_all();  // an alert, or new keys that were asked for
  switch (answer) {
    case Answer::done:
      drained = emptied_ && ::SSL_has_pending(ssl_.get()) == 0;
      inside_ = !drained;
      return got;
    case Answer::ended:
      peer_said_end_ = true;
      return 0;
    case Answer::wait:
      if (below_error_) read_error_ = below_error_;
      if (below_ended_) {
        read_error_ = std::make_exception_ptr(
            TlsTruncated(reading + peer() + ": it ended without a word: it may have been cut"));
      }
      inside_ = false;
      break;
    case Answer::failed:
      break;
  }
  throw_if(read_error_);
  return std::nullopt;
}

std::optional<std::size_t> TlsTransport::try_write(std::string_view data) {
  push_all();
  throw_if(write_error_);
  if (said_end_) {
    throw std::system_error(std::make_error_code(std::errc::broken_pipe), writing + peer());
  }
  std::size_t taken = 0;
  while (taken < data.size() && kept() < most_kept) {
    const std::string_view next = data.substr(taken, record);
    std::size_t some = 0;
    const Answer answer =
        ask([&](SSL* ssl) { return ::SSL_write_ex(ssl, next.data(), next.size(), &some); });
    if (answer != Answer::done && !write_error_) write_error_ = error(writing);
    if (answer != Answer::done) break;
    taken += some;
    push_all();
  }
  if (taken != 0) return taken;
  throw_if(write_error_);
  return std::nullopt;
}

bool TlsTransport::try_flush() {
  push_all();
  throw_if(write_error_);
  if (kept() != 0) return false;
  below_flushed_ = lower().try_flush();
  return below_flushed_;
}

// The stream below goes on: what is said about the end is said in TLS.
bool TlsTransport::try_shutdown_write() {
  throw_if(write_error_);
  say_end();
  return try_flush();
}

void TlsTransport::update_keys() {
  ask([](SSL* ssl) { return ::SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED); });
}

// Says new keys before, for OpenSSL would refuse to say the end.
void TlsTransport::say_end() noexcept {
  if (std::exchange(said_end_, true) || broken_) return;
  ::ERR_clear_error();
  if (::SSL_in_init(ssl_.get()) == 1) ::SSL_do_handshake(ssl_.get());
  ::SSL_shutdown(ssl_.get());
}

void TlsTransport::do_close(io::Ending how) noexcept {
  if (how == io::Ending::polite && has_begun_) say_end();
  if (how != io::Ending::reset) push();
  data_below_.leave();
  room_below_.leave();
  readable_half_.soon_.cancel();
  writable_half_.soon_.cancel();
  lower().close(how);
}

// What is below.

void TlsTransport::push() noexcept {
  try {
    while (kept() != 0 && !write_error_) {
      const auto taken = lower().try_write(std::string_view(out_).substr(sent_));
      if (!taken) return;
      sent_ += *taken;
    }
  } catch (...) {
    write_error_ = std::current_exception();
  }
  out_.clear();
  sent_ = 0;
}

void TlsTransport::push_all() noexcept {
  push();
  if (kept() == 0) return;
  try {
    room_below_.look();
  } catch (...) {
    write_error_ = std::current_exception();
  }
}

void TlsTransport::Half::arm() {
  TlsTransport& tls = transport_;
  const bool ready = reads_ ? tls.inside_ || tls.peer_said_end_ || tls.read_error_
                            : (tls.kept() == 0 && tls.below_flushed_) || tls.write_error_;
  if (!ready) {
    (reads_ ? tls.data_below_ : tls.room_below_).look();
  } else if (!soon_.active()) {
    soon_ = reactor().call_later(std::chrono::nanoseconds(0), [this] { report(); });
  }
}

void TlsTransport::Below::look() {
  io::Transport& lower = transport_.lower();
  wait_for(reads_ ? lower.readable() : lower.writable());
}

bool TlsTransport::Below::on_ready() noexcept {
  leave();
  TlsTransport& tls = transport_;
  if (reads_) {
    tls.readable_half_.report();
  } else {
    tls.push_all();
    tls.writable_half_.report();
  }
  return false;
}

void TlsTransport::Below::on_end(Failure why) noexcept {
  (reads_ ? transport_.readable_half_ : transport_.writable_half_).end(std::move(why));
}

BIO_METHOD* TlsTransport::below() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made =
        ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "a stream below");
    ::BIO_meth_set_read_ex(made, read_below);
    ::BIO_meth_set_write_ex(made, write_below);
    ::BIO_meth_set_ctrl(made, control_below);
    return made;
  }();
  return method;
}

int TlsTransport::read_below(BIO* bio, char* into, std::size_t room, std::size_t* got) noexcept {
  TlsTransport& self = *static_cast<TlsTransport*>(::BIO_get_data(bio));
  ::BIO_clear_retry_flags(bio);
  *got = 0;
  self.emptied_ = false;
  try {
    if (!self.below_ended_ && !self.below_error_) {
      const auto read = self.lower().try_read(std::span(into, room));
      *got = read.value_or(0);
      self.below_ended_ = read && *read == 0;
      self.emptied_ = !read || self.lower().is_drained();
    }
  } catch (...) {
    self.below_error_ = std::current_exception();
  }
  if (*got != 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

int TlsTransport::write_below(BIO* bio, const char* data, std::size_t size,
                              std::size_t* taken) noexcept {
  TlsTransport& self = *static_cast<TlsTransport*>(::BIO_get_data(bio));
  ::BIO_clear_retry_flags(bio);
  *taken = 0;
  try {
    if (self.sent_ != 0) self.out_.erase(0, std::exchange(self.sent_, 0));
    self.out_.append(data, size);
    *taken = size;
    return 1;
  } catch (...) {
    self.write_error_ = std::current_exception();
    return 0;
  }
}

long TlsTransport::control_below(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace deferred::testing
