# Finds nvcc, which is often not on PATH, and turns NIBBLE_CUDA=AUTO into NIBBLE_HAVE_CUDA.
set(NIBBLE_HAVE_CUDA OFF)
if(NOT NIBBLE_CUDA STREQUAL "OFF")
    if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
        find_program(NIBBLE_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME
                     PATHS /usr/local/cuda /opt/cuda PATH_SUFFIXES bin)
        if(NIBBLE_NVCC)
            set(CMAKE_CUDA_COMPILER ${NIBBLE_NVCC} CACHE FILEPATH "nvcc")
        endif()
    endif()
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)  # before check_language, or CMake picks its own
        set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90 CACHE STRING "")
    endif()
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        set(NIBBLE_HAVE_CUDA ON)
    elseif(NIBBLE_CUDA STREQUAL "ON")
        message(FATAL_ERROR "NIBBLE_CUDA=ON, and no CUDA compiler was found: set CUDACXX, put nvcc "
                            "on PATH, or configure with NIBBLE_CUDA=AUTO")
    endif()
endif()
message(STATUS "CUDA compiler: ${CMAKE_CUDA_COMPILER} (NIBBLE_CUDA=${NIBBLE_CUDA})")
