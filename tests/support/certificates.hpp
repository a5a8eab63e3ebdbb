/// Throw-away certificates, made in the test's own memory.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace coax::test {

/// A certificate and its key in PEM.
struct certificate {
  std::string pem;
  std::string key;
};

/// A certificate authority that signs itself.
certificate make_authority(const std::string& name = "coax test authority");

/// A server certificate for `hosts`, names or IP addresses, valid for `valid` from an hour ago; negative: expired.
certificate make_certificate(const certificate& authority, const std::vector<std::string>& hosts,
                             std::chrono::hours valid = std::chrono::hours(48));

/// One authority and one certificate for localhost, 127.0.0.1 and ::1 for the whole process: making keys takes time.
const certificate& authority();
const certificate& localhost_certificate();

/// A context for servers that shows `own`; for `localhost_certificate` by default.
std::shared_ptr<boost::asio::ssl::context> server_tls(const certificate& own = localhost_certificate());
/// A context for clients that trusts `trusted`, the process's authority by default.
std::shared_ptr<boost::asio::ssl::context> client_tls(const certificate& trusted = authority());

}  // namespace coax::test
