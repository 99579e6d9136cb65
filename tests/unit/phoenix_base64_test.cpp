// Base64, in both of its alphabets.
#include "../support/catch.hpp"

#include <chain/detail/base64.hpp>

#include <optional>
#include <string>

using chain::detail::base64_decode, chain::detail::base64_encode;

TEST_CASE("bytes are written in base64 and read again") {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        const auto text = base64_encode(bytes);
        CHECK(text.size() == (bytes.size() + 2) / 3 * 4);
        CHECK(base64_decode(text) == bytes);
        bytes += static_cast<char>(i * 7);
    }
    CHECK(base64_encode("foob") == "Zm9vYg==");
}

TEST_CASE("base64 is read in both alphabets, padded or not") {
    CHECK(base64_decode("") == "");
    CHECK(base64_decode("Zm9vYg==") == "foob");
    CHECK(base64_decode("Zm9vYg") == "foob");
    CHECK(base64_decode("Zm9vYmE=") == "fooba");
    CHECK(base64_decode("Zm9vYmE") == "fooba");
    CHECK(base64_decode("+/-_") == "\xFB\xFF\xBF");
}

TEST_CASE("what is no base64 is refused") {
    for (const std::string text :
         {"Z", "A===", "AA=A", "%", "Zm9vY", "Zm9vYg=", "Zm9vYg===", "Zm 9", " Zm9v", "Zm9v\n",
          "Zm9=v", "=", "==", "====", "Zm9v!", "Zm9\xC3\xA9"}) {
        INFO(text);
        CHECK_FALSE(base64_decode(text).has_value());
    }
}
