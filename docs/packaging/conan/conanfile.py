"""Conan 2, of the checkout that it lies in: conan create coax/docs/packaging/conan"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, CMakeDeps, cmake_layout
from conan.tools.files import copy, load, rmdir


class CoaxConan(ConanFile):
    name = "coax"
    description = "Real-time C++20 library: WebSocket, hub and Server-Sent Events on Boost.Asio coroutines"
    license = "BSL-1.0"
    topics = ("websocket", "server-sent-events", "asio", "coroutines")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]

    @property
    def _checkout(self):
        return os.path.normpath(os.path.join(self.recipe_folder, "..", "..", ".."))

    def set_version(self):
        header = load(self, os.path.join(self._checkout, "include", "coax", "version.hpp"))
        self.version = re.search(r'COAX_VERSION_STRING "(.*)"', header).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "include/*", "lib/*"):
            copy(self, pattern, src=self._checkout, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81 <1.89]", transitive_headers=True)
        self.requires("openssl/[>=3 <4]")
        self.requires("zlib/[>=1.2.11 <2]")

    def validate(self):
        check_min_cppstd(self, 20)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["COAX_BUILD_TESTS"] = False
        toolchain.cache_variables["COAX_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["COAX_ISAL"] = "OFF"
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        # Conan writes its own.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        core = self._component("coax", ["coax"])
        core.requires = ["boost::headers", "boost::url", "openssl::openssl", "zlib::zlib"]
        core.defines = ["BOOST_ASIO_NO_DEPRECATED"]
        core.system_libs = ["pthread"]
        self._component("json", ["coax_json"]).requires = ["coax", "boost::json"]
        self._component("redis", []).requires = ["coax"]
        self._component("testing", ["coax_testing"]).requires = ["coax"]

    def _component(self, name, libs):
        component = self.cpp_info.components[name]
        component.libs = libs
        component.set_property("cmake_target_name", f"coax::{name}")
        component.set_property("pkg_config_name", "coax" if name == "coax" else f"coax-{name}")
        return component
