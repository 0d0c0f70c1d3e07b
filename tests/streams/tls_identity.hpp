// SPDX-License-Identifier: MIT
//
// Who is who in tests of TLS: certificates that are made for the run.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace deferred::testing {

/// A name, with a key, and a certificate that this has signed itself.
class TlsIdentity {
 public:
  explicit TlsIdentity(const std::string& name);
  EVP_PKEY* key() const noexcept { return key_.get(); }
  X509* certificate() const noexcept { return certificate_.get(); }

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

/// What an end of TLS goes by. Copyable: it is shared.
class TlsContext {
 public:
  /// Trusts this one, and nobody else.
  static TlsContext client(const TlsIdentity& trusted);
  static TlsContext server(const TlsIdentity& self);
  SSL_CTX* get() const noexcept { return context_.get(); }

 private:
  explicit TlsContext(const SSL_METHOD* method);

  std::shared_ptr<SSL_CTX> context_;
};

/// What OpenSSL has to say, and forgets then: "bad record mac".
std::string tls_error_text();

}  // namespace deferred::testing
