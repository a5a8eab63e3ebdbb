/// From a host and a port to a byte stream.
#pragma once

#include <coax/connect_options.hpp>

#include <boost/asio/ip/address.hpp>

namespace coax::detail {

/// The addresses of a host, by the hook of the options or the system; an address stands for itself.
/// @throws system_error
task<std::vector<asio::ip::address>> resolve(std::string host, const connect_settings& options, const context& ctx);

/// Connects by the hook of the options, or resolves and connects to the addresses (dial_race.hpp), on the executor of
/// the caller. `name` is for the text of errors. @throws system_error
task<std::shared_ptr<transport>> connect_host(std::string host, std::string port, std::string name,
                                              const connect_settings& options, const context& ctx);

}  // namespace coax::detail
