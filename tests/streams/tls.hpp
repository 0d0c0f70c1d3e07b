// SPDX-License-Identifier: MIT
//
// TLS over any stream, as a transport that somebody else writes: of OpenSSL and of public headers
// alone. Whatever such a one needs, io::Transport has to have. Next: tls_identity.hpp, for whom it
// talks to.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/errors.hpp"
#include "deferred/io/readiness.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/tasks/task.hpp"
#include "tests/streams/tls_identity.hpp"

namespace deferred::testing {

/// The peer, or somebody between, has ended the connection, and has not said that this is all.
class TlsTruncated : public io::ProtocolError {
 public:
  using io::ProtocolError::ProtocolError;
};

/// Speaks TLS over `lower`: a client, which requires that the other side is `name`; a server, if
/// that is empty. Is done when both know each other. Throws io::ProtocolError, "TLS handshake with
/// PEER: certificate verify failed", and what `lower` throws.
Task<io::Stream> tls_stream(io::Stream lower, TlsContext context, std::string name);

/// What such a stream is made of. Reads straight from below; what it writes waits in a buffer of
/// its own, which goes by itself.
class TlsTransport final : public io::Transport {
 public:
  TlsTransport(io::Stream lower, TlsContext context, const std::string& name);
  ~TlsTransport() override;

  std::optional<std::size_t> try_read(std::span<char> into) override;
  std::optional<std::size_t> try_write(std::string_view data) override;
  bool try_flush() override;
  bool try_shutdown_write() override;
  std::string local() const override { return lower().local(); }
  int descriptor() const noexcept override { return lower().descriptor(); }

  /// Goes on with the handshake; true when it is done, false: again when readable.
  bool try_handshake();
  /// New keys from here on, in both directions.
  void update_keys();

 private:
  enum class Answer { done, ended, wait, failed };

  /// That of a direction.
  class Half final : public io::Readiness {
   public:
    Half(TlsTransport& transport, bool reads) noexcept
        : Readiness(transport.reactor()), transport_(transport), reads_(reads) {}

   private:
    friend TlsTransport;
    void arm() override;
    void disarm() noexcept override { soon_.cancel(); }

    TlsTransport& transport_;
    bool reads_;
    DelayedCall soon_;
  };
  /// Waits for the stream below, whether anybody waits for this one or not.
  class Below final : public io::Readiness::Observer {
   public:
    Below(TlsTransport& transport, bool reads) noexcept : transport_(transport), reads_(reads) {}
    void look();
    using Observer::leave;

   private:
    bool on_ready() noexcept override;
    void on_end(Failure why) noexcept override;

    TlsTransport& transport_;
    bool reads_;
  };

  io::Transport& lower() const noexcept { return lower_.transport(); }
  void do_close(io::Ending how) noexcept override;

  template <class F>
  Answer ask(F operation);
  /// "read from PEER: bad record mac". After Answer::failed.
  std::exception_ptr error(const char* what);
  std::size_t kept() const noexcept { return out_.size() - sent_; }
  /// close_notify, once.
  void say_end() noexcept;
  /// Gives `lower` what it takes of what is kept.
  void push() noexcept;
  /// The same, and the rest goes when there is room for it.
  void push_all() noexcept;

  static BIO_METHOD* below();
  static int read_below(BIO* bio, char* into, std::size_t room, std::size_t* got) noexcept;
  static int write_below(BIO* bio, const char* data, std::size_t size, std::size_t* taken) noexcept;
  static long control_below(BIO* bio, int command, long number, void* what) noexcept;

  struct Free {
    void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  };

  io::Stream lower_;  // before those that wait on it
  TlsContext context_;
  std::unique_ptr<SSL, Free> ssl_;
  Half readable_half_;
  Half writable_half_;
  Below data_below_;
  Below room_below_;
  std::string out_;       // records that wait for room below
  std::size_t sent_ = 0;  // of out_
  bool inside_ = true;    // OpenSSL may have bytes, or all of a record
  bool emptied_ = false;  // nothing is left below, as far as the last read there tells
  bool below_ended_ = false;
  bool below_flushed_ = true;
  bool peer_said_end_ = false;
  bool has_begun_ = false;  // the handshake is done
  bool said_end_ = false;
  bool broken_ = false;             // OpenSSL wants to be asked nothing any more
  std::exception_ptr below_error_;  // of reading there
  std::exception_ptr read_error_;   // for ever
  std::exception_ptr write_error_;  // for ever
};

}  // namespace deferred::testing
