// With this file alone CMake precompiles the headers that the test programs share: main.cpp needs
// Catch2 in another form.
