// Where the program finds what comes with it: hardware sheets, tiny models, recorded measurements.
//
// The folder data/ of the sources serves a program that runs where it was built; an installed one
// finds <prefix>/share/nibble beside its own <prefix>/bin.
#pragma once

#include <filesystem>
#include <optional>

namespace nibble {

/// What data_folder() chooses from; a folder that does not exist is passed over.
struct DataPlaces {
    std::optional<std::filesystem::path> wanted;  // NIBBLE_DATA: taken as it is, or not at all
    std::filesystem::path program;                // the running executable; empty when unknown
    std::filesystem::path sources;                // data/ of the sources it was built from
};

/// The first of: the wanted one, that of the installation around the program, the sources'. When
/// none exists it is the installation's, for the message that will say what is missing there.
std::filesystem::path choose_data_folder(const DataPlaces& places);

/// The choice for this program and its environment.
std::filesystem::path data_folder();

}  // namespace nibble
