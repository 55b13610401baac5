#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace brauer::emulation {

// A message put together without the heap: a fibre that reports a fault never returns, so it would leak.
class Text {
 public:
  Text& operator<<(std::string_view more) {
    const std::size_t room = sizeof chars_ - length_, count = more.size() < room ? more.size() : room;
    std::memcpy(chars_ + length_, more.data(), count);
    length_ += count;
    return *this;
  }
  Text& operator<<(std::int64_t number) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
    return *this << std::string_view(digits);
  }
  Text& operator<<(const Text& other) { return *this << other.view(); }

  std::string_view view() const { return {chars_, length_}; }
  bool empty() const { return length_ == 0; }

 private:
  char chars_[400];
  std::size_t length_ = 0;
};

}  // namespace brauer::emulation
