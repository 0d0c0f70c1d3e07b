// SPDX-License-Identifier: MIT
#include "tests/streams/tls_identity.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace deferred::testing {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string(what) + ": " + tls_error_text());
}

}  // namespace

std::string tls_error_text() {
  std::string all;
  while (const unsigned long error = ::ERR_get_error()) {
    const char* const reason = ::ERR_reason_error_string(error);
    all += (all.empty() ? "" : "; ") + std::string(reason ? reason : "an error without a name");
  }
  return all;
}

TlsIdentity::TlsIdentity(const std::string& name)
    : key_(::EVP_EC_gen("P-256"), ::EVP_PKEY_free), certificate_(::X509_new(), ::X509_free) {
  require(key_ && certificate_, "a key and a certificate");
  X509* const x509 = certificate_.get();
  ::X509_set_version(x509, 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(x509), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(x509), -3600);
  ::X509_gmtime_adj(::X509_getm_notAfter(x509), 3600);
  ::X509_set_pubkey(x509, key_.get());
  const auto* const text = reinterpret_cast<const unsigned char*>(name.c_str());
  ::X509_NAME* const subject = ::X509_get_subject_name(x509);
  ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
  ::X509_set_issuer_name(x509, subject);
  const std::shared_ptr<X509_EXTENSION> also(
      ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str()),
      ::X509_EXTENSION_free);
  require(also && ::X509_add_ext(x509, also.get(), -1) == 1, "the certificate's name");
  require(::X509_sign(x509, key_.get(), ::EVP_sha256()) != 0, "signing the certificate");
}

TlsContext::TlsContext(const SSL_METHOD* method) : context_(::SSL_CTX_new(method), ::SSL_CTX_free) {
  require(context_ != nullptr, "a context of TLS");
  ::SSL_CTX_set_min_proto_version(get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(get(), SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_read_ahead(get(), 1);
  // A client that never reads leaves them unread, and TCP says reset where it is closed so.
  ::SSL_CTX_set_num_tickets(get(), 0);
}

TlsContext TlsContext::client(const TlsIdentity& trusted) {
  TlsContext made(::TLS_client_method());
  ::SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  X509_STORE* const store = ::SSL_CTX_get_cert_store(made.get());
  require(::X509_STORE_add_cert(store, trusted.certificate()) == 1, "trusting a certificate");
  return made;
}

TlsContext TlsContext::server(const TlsIdentity& self) {
  TlsContext made(::TLS_server_method());
  require(::SSL_CTX_use_certificate(made.get(), self.certificate()) == 1, "using a certificate");
  require(::SSL_CTX_use_PrivateKey(made.get(), self.key()) == 1, "using a key");
  return made;
}

}  // namespace deferred::testing
