/// The hosts to which no proxy leads: what a variable NO_PROXY lists.
#pragma once

#include "protocol/network.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

/// A list, separated by commas or blanks, of:
///
///   *                       every host
///   example.com             this host and all below it; `.example.com` and `*.example.com`: only those below it
///   10.1.2.3  [::1]  ::1    a host that is given by this address
///   10.0.0.0/8  fd00::/8    a host that is given by an address of this network
///
/// All but networks may end in `:port` and then hold for that port only. Case does not matter, nor does a dot at the
/// end. Names are not resolved. Entries that are none of these are ignored, as everybody does.
class no_proxy_rules {
 public:
  no_proxy_rules() = default;
  explicit no_proxy_rules(std::string_view list);

  /// Whether `host`, a name or an address without brackets, is to be reached directly.
  bool match(std::string_view host, std::uint16_t port) const;

 private:
  struct rule {
    enum class kind : unsigned char { everything, domain, below_domain, network };

    kind what = kind::everything;
    std::string name;
    std::optional<network> addresses;
    unsigned port = 0;  // 0: any
  };

  void add(std::string_view entry);
  bool add_network(std::string_view text, unsigned port);

  std::vector<rule> rules_;
};

/// Whether a name or an address stands for the machine itself: localhost, and names below it; 127.0.0.0/8; ::1.
bool is_loopback(std::string_view host);

}  // namespace coax::protocol
