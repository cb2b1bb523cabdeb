# Optional CUDA: NIBBLE_CUDA = AUTO (when nvcc is found), ON or OFF decides NIBBLE_HAVE_CUDA.
#
# The program starts without CUDA installed: the runtime is linked statically and finds the driver
# when it is asked to. CMAKE_CUDA_ARCHITECTURES says which GPUs there is code for. By default that is
# the GPU of this machine, or 90 where there is none, because every further one costs time; for a
# release configure with -DCMAKE_CUDA_ARCHITECTURES="75-real;80-real;86-real;89-real;90".
set(NIBBLE_HAVE_CUDA OFF)
if(NOT NIBBLE_CUDA STREQUAL "OFF")
    if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})  # nvcc is often not on PATH
        find_program(NIBBLE_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME
                     PATHS /usr/local/cuda /opt/cuda PATH_SUFFIXES bin)
        if(NIBBLE_NVCC)  # not CMAKE_CUDA_COMPILER: check_language would take it untried
            set(ENV{CUDACXX} ${NIBBLE_NVCC})
        endif()
    endif()
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)  # before check_language, or CMake picks its own
        set(gpu_or_default 90)
        execute_process(COMMAND nvidia-smi -L RESULT_VARIABLE no_gpu OUTPUT_QUIET ERROR_QUIET)
        if(no_gpu EQUAL 0)
            set(gpu_or_default native)
        endif()
        set(CMAKE_CUDA_ARCHITECTURES ${gpu_or_default} CACHE STRING
            "GPUs to compile for; a release takes 75-real;80-real;86-real;89-real;90")
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

if(NIBBLE_HAVE_CUDA)
    enable_language(CUDA)
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
        if(NIBBLE_CUDA STREQUAL "ON")
            message(FATAL_ERROR "NIBBLE_CUDA=ON, and nvcc is ${CMAKE_CUDA_COMPILER_VERSION}: 12 or "
                                "newer is needed")
        endif()
        message(STATUS "nvcc ${CMAKE_CUDA_COMPILER_VERSION} is older than 12: CUDA is left out")
        set(NIBBLE_HAVE_CUDA OFF)
    endif()
endif()
if(NIBBLE_HAVE_CUDA)
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know it of nvcc 12 and later
        set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
        set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    find_package(CUDAToolkit REQUIRED)
    if(NIBBLE_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
        set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
    endif()
endif()
message(STATUS "CUDA compiler: ${CMAKE_CUDA_COMPILER} (NIBBLE_CUDA=${NIBBLE_CUDA}, "
               "architectures ${CMAKE_CUDA_ARCHITECTURES})")

# nibble_cuda_part(target FOLDER folder...)
# Adds every .cu below the folders to a target; the same kernels reach it through a .cpp as well,
# compiled for the emulator.
function(nibble_cuda_part target)
    cmake_parse_arguments(ARG "" "" "FOLDER" ${ARGN})
    foreach(folder IN LISTS ARG_FOLDER)
        list(APPEND patterns ${PROJECT_SOURCE_DIR}/${folder}/*.cu)
    endforeach()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${patterns})
    target_sources(${target} PRIVATE ${sources})
    set_target_properties(${target} PROPERTIES CUDA_RUNTIME_LIBRARY Static)
    target_compile_options(${target} PRIVATE
        "$<$<COMPILE_LANGUAGE:CUDA>:-lineinfo;-Xcompiler=-Wall,-Wextra>")
    target_compile_definitions(${target} PRIVATE
        "NIBBLE_CUDA_ARCHITECTURES=\"$<JOIN:${CMAKE_CUDA_ARCHITECTURES}, >\"")
    target_link_libraries(${target} PRIVATE CUDA::cudart_static)
endfunction()
