#include "support/certificates.hpp"

#include <boost/asio/ssl/context.hpp>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace coax::test {
namespace {

template <class T, void (*Free)(T*)>
struct deleter {
  void operator()(T* p) const { Free(p); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY, EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, deleter<X509, X509_free>>;
using bio_ptr = std::unique_ptr<BIO, deleter<BIO, BIO_free_all>>;

void check(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL could not make a certificate");
}

std::string text(BIO* b) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(b, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* x) {
  const bio_ptr b(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(b.get(), x));
  return text(b.get());
}

std::string to_pem(EVP_PKEY* k) {
  const bio_ptr b(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey(b.get(), k, nullptr, nullptr, 0, nullptr, nullptr));
  return text(b.get());
}

bio_ptr reader(const std::string& pem) { return bio_ptr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

x509_ptr begin(const std::string& name, EVP_PKEY* key, std::chrono::hours valid) {
  static std::atomic<long> serial{1};
  x509_ptr x(X509_new());
  check(x && X509_set_version(x.get(), 2));
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), serial++);
  const long seconds = std::chrono::seconds(valid).count();
  X509_gmtime_adj(X509_getm_notBefore(x.get()), std::min(seconds, 0L) - 3600);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), seconds);
  X509_set_pubkey(x.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return x;
}

void extend(X509* x, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX ctx;
  X509V3_set_ctx_nodb(&ctx);
  X509V3_set_ctx(&ctx, issuer, x, nullptr, nullptr, 0);
  X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str());
  check(e);
  X509_add_ext(x, e, -1);
  X509_EXTENSION_free(e);
}

bool is_address(const std::string& host) {
  return host.find_first_not_of("0123456789.") == host.npos || host.find(':') != host.npos;
}

}  // namespace

certificate make_authority(const std::string& name) {
  const key_ptr key(EVP_EC_gen("P-256"));
  const auto x = begin(name, key.get(), std::chrono::hours(24 * 30));
  X509_set_issuer_name(x.get(), X509_get_subject_name(x.get()));
  extend(x.get(), x.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(x.get(), x.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  check(X509_sign(x.get(), key.get(), EVP_sha256()) != 0);
  return {to_pem(x.get()), to_pem(key.get())};
}

certificate make_certificate(const certificate& authority, const std::vector<std::string>& hosts,
                             std::chrono::hours valid) {
  const auto issuer_pem = reader(authority.pem);
  const x509_ptr issuer(PEM_read_bio_X509(issuer_pem.get(), nullptr, nullptr, nullptr));
  const auto issuer_key_pem = reader(authority.key);
  const key_ptr issuer_key(PEM_read_bio_PrivateKey(issuer_key_pem.get(), nullptr, nullptr, nullptr));
  check(issuer && issuer_key);

  const key_ptr key(EVP_EC_gen("P-256"));
  const auto x = begin(hosts.front(), key.get(), valid);
  X509_set_issuer_name(x.get(), X509_get_subject_name(issuer.get()));
  std::string names;
  for (const auto& h : hosts) names += (names.empty() ? "" : ",") + std::string(is_address(h) ? "IP:" : "DNS:") + h;
  extend(x.get(), issuer.get(), NID_subject_alt_name, names);
  check(X509_sign(x.get(), issuer_key.get(), EVP_sha256()) != 0);
  return {to_pem(x.get()), to_pem(key.get())};
}

const certificate& authority() {
  static const certificate a = make_authority();
  return a;
}

const certificate& localhost_certificate() {
  static const certificate c = make_certificate(authority(), {"localhost", "127.0.0.1", "::1"});
  return c;
}

std::shared_ptr<boost::asio::ssl::context> server_tls(const certificate& own) {
  namespace ssl = boost::asio::ssl;
  const auto tls = std::make_shared<ssl::context>(ssl::context::tls_server);
  tls->use_certificate_chain(boost::asio::buffer(own.pem));
  tls->use_private_key(boost::asio::buffer(own.key), ssl::context::pem);
  return tls;
}

std::shared_ptr<boost::asio::ssl::context> client_tls(const certificate& trusted) {
  namespace ssl = boost::asio::ssl;
  const auto tls = std::make_shared<ssl::context>(ssl::context::tls_client);
  tls->add_certificate_authority(boost::asio::buffer(trusted.pem));
  return tls;
}

}  // namespace coax::test
