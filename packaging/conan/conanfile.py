"""Conan 2 recipe that packages the sources it lies in; ../README.md says how to use it."""

from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir

required_conan_version = ">=2.0"


class ChainConan(ConanFile):
    name = "chain"
    version = "0.1.0"
    description = "Real-time channels for C++ servers"
    license = "MIT"
    topics = ("websocket", "channels", "real-time", "asio", "beast")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]

    def export_sources(self):
        root = Path(self.recipe_folder).parent.parent
        for pattern in ("CMakeLists.txt", "CHANGELOG.md", "LICENSE", "cmake/*", "include/*", "src/*"):
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        self.requires("nlohmann_json/[>=3.11 <4]", transitive_headers=True)
        self.requires("openssl/[>=3 <4]")
        self.requires("zlib/[>=1.2.13 <2]")

    def validate(self):
        check_min_cppstd(self, 20)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables[f"CHAIN_BUILD_{part}"] = False
        for adapter in ("REDIS", "NATS"):
            toolchain.cache_variables[f"CHAIN_{adapter}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", src=self.source_folder, dst=Path(self.package_folder) / "licenses")
        # Conan writes these for the consumer, with the paths of its own packages.
        rmdir(self, Path(self.package_folder) / "lib" / "cmake")
        rmdir(self, Path(self.package_folder) / "lib" / "pkgconfig")

    def package_info(self):
        self.cpp_info.libs = ["chain"]
        self.cpp_info.requires = ["boost::headers", "nlohmann_json::nlohmann_json", "openssl::crypto", "zlib::zlib"]
        self.cpp_info.set_property("cmake_file_name", "chain")
        self.cpp_info.set_property("cmake_target_name", "chain::chain")
        self.cpp_info.set_property("pkg_config_name", "chain")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
