// A certificate that signs itself, in files of its own.
#pragma once

#include <string>

namespace test {

/// Certificate and key for `localhost`, as PEM files, which go with it.
class Certificate {
  public:
    Certificate();
    ~Certificate();
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;

    std::string chain() const { return folder_ + "/certificate.pem"; }
    std::string key() const { return folder_ + "/key.pem"; }
    /// Writes another certificate, with another key, to the same files. @return its serial number
    long renew();

  private:
    std::string folder_;
    long serial_ = 0;
};

} // namespace test
