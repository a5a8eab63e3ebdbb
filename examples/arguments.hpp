/// Command lines of the examples: `--name value` pairs, `--flag`, `--help`, and what is left over.
#pragma once

#include <coax/deflate.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace example {

class arguments {
 public:
  /// `defaults` names the options and their values when they are not given, `flags` those without a value. Prints
  /// `usage` for --help, and for what it does not know, and ends the program.
  arguments(int argc, char** argv, std::string_view usage, std::map<std::string, std::string> defaults = {},
            std::set<std::string> flags = {})
      : usage_(usage), options_(std::move(defaults)) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      if (word == "--help") {
        std::cout << usage_;
        std::exit(0);
      }
      if (!word.starts_with("--")) {
        rest_.emplace_back(word);
        continue;
      }
      const std::string name(word.substr(2));
      if (flags.count(name) != 0) {
        given_[name];
        continue;
      }
      const auto found = options_.find(name);
      if (found == options_.end()) fail("unknown option " + std::string(word));
      if (++i == argc) fail(std::string(word) + " needs a value");
      found->second = argv[i];
      given_[name].push_back(argv[i]);
    }
  }

  const std::string& operator[](const std::string& name) const { return options_.at(name); }
  unsigned long number(const std::string& name) const {
    const std::string& value = options_.at(name);
    std::size_t used = 0;
    unsigned long n = 0;
    try {
      n = std::stoul(value, &used);
    } catch (const std::exception&) {
    }
    if (used == 0 || used != value.size()) fail("--" + name + " needs a number, not '" + value + "'");
    return n;
  }
  /// The value of --deflate: off, takeover or no-takeover.
  coax::deflate_options deflate() const {
    const std::string& mode = options_.at("deflate");
    if (mode == "takeover") return coax::deflate_mode::context_takeover;
    if (mode == "no-takeover") return coax::deflate_mode::no_context_takeover;
    if (mode != "off") fail("--deflate is off, takeover or no-takeover, not '" + mode + "'");
    return {};
  }
  /// Whether the option or flag was there.
  bool given(const std::string& name) const { return given_.count(name) != 0; }
  /// All values of an option that may be repeated.
  std::vector<std::string> all(const std::string& name) const {
    const auto found = given_.find(name);
    return found == given_.end() ? std::vector<std::string>() : found->second;
  }
  const std::vector<std::string>& rest() const { return rest_; }

  [[noreturn]] void fail(const std::string& why) const {
    std::cerr << why << "\n" << usage_;
    std::exit(2);
  }

 private:
  std::string_view usage_;
  std::map<std::string, std::string> options_;
  std::map<std::string, std::vector<std::string>> given_;
  std::vector<std::string> rest_;
};

}  // namespace example
