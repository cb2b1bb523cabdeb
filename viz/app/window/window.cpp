#include "viz/app/window/window.hpp"

#include <GLFW/glfw3.h>
#include <algorithm>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <imgui.h>
#include <png.h>
#include <vector>

namespace nibble {
namespace {

constexpr int settle_frames = 3;              // after an input event
constexpr double worker_interval = 1 / 30.0;  // seconds between frames the worker causes
constexpr double save_delay = 1.0;            // settings are written this long after a change
constexpr int least_width = 900, least_height = 600;

constexpr const char* use_software = "try LIBGL_ALWAYS_SOFTWARE=1";

std::string glfw_complaint;

Window& self(GLFWwindow* window) {
    return *static_cast<Window*>(glfwGetWindowUserPointer(window));
}

[[noreturn]] void refuse(const std::string& what, const std::string& way_out) {
    throw Error(Error::Code::no_device,
                what + (glfw_complaint.empty() ? "" : " (" + glfw_complaint + ")"),
                way_out + ", or work without a window: nibble run ID --out x.svg");
}

/// Letters by what is printed on the key, so that Ctrl+Z is where this keyboard has its Z.
int layout_key(int key, int scancode) {
    if (key >= GLFW_KEY_A && key <= GLFW_KEY_Z) {
        const char* name = glfwGetKeyName(key, scancode);
        if (name != nullptr && name[0] >= 'a' && name[0] <= 'z' && name[1] == 0) {
            return GLFW_KEY_A + (name[0] - 'a');
        }
    }
    return key;
}

}  // namespace

bool has_display() {
#if defined(__linux__) || defined(__FreeBSD__)
    const auto named = [](const char* variable) {
        const char* value = std::getenv(variable);
        return value != nullptr && *value != 0;
    };
    return named("DISPLAY") || named("WAYLAND_DISPLAY");
#else
    return true;
#endif
}

Window::Window(const Experiments& all, const WindowOptions& options)
    : folder_(options.remembers ? settings_folder() : std::filesystem::path()),
      loaded_(load_settings(folder_, all)),
      runner_([this] { wake(); }),
      // The first result is computed while the window opens.
      session_(all, runner_, options.start ? options.start : loaded_.settings.last),
      devices_([this] { wake(); }),
      lessons_(all, [this] { wake(); }),
      started_(Clock::now()) {
    Settings& settings = loaded_.settings;
    settings.theme = options.theme.value_or(settings.theme);
    settings.projector = options.projector.value_or(settings.projector);
    if (options.size) {
        settings.width = options.size->first;
        settings.height = options.size->second;
    }
    open(settings);
    app_ = std::make_unique<App>(session_, devices_, lessons_, fonts_, settings);
    app_->tell(loaded_.notice);
    if (!options.lesson.empty()) {
        app_->open_lesson(options.lesson, options.presents, options.lesson_page);
    } else if (!options.start && !settings.lesson.empty()) {
        app_->open_lesson(settings.lesson, false, settings.lesson_page);
        lessons_.take_turned();  // the lab is as it was left
    }
    set_callbacks();
    update_scale();
    const std::lock_guard lock(wake_mutex_);
    can_wake_ = true;
}

Window::~Window() {
    keep_settings();
    {
        const std::lock_guard lock(wake_mutex_);
        can_wake_ = false;
    }
    app_.reset();
    ImGui_ImplOpenGL3_Shutdown();
    ImGui_ImplGlfw_Shutdown();
    ImGui::DestroyContext();
    glfwDestroyWindow(window_);
    glfwTerminate();
}

void Window::wake() {
    if (!posted_.exchange(true)) {
        const std::lock_guard lock(wake_mutex_);
        if (can_wake_) {
            glfwPostEmptyEvent();
        }
    }
}

void Window::open(const Settings& settings) {
    glfwSetErrorCallback([](int, const char* words) { glfw_complaint = words; });
    if (glfwInit() == GLFW_FALSE) {
        refuse("no window can be opened here", "check DISPLAY");
    }
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 2);
    glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
    glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
    glfwWindowHint(GLFW_DEPTH_BITS, 0);
    glfwWindowHint(GLFW_STENCIL_BITS, 0);
    glfwWindowHintString(GLFW_X11_CLASS_NAME, "nibble");
    glfwWindowHintString(GLFW_X11_INSTANCE_NAME, "nibble");
    window_ = glfwCreateWindow(settings.width, settings.height, "Nibble", nullptr, nullptr);
    if (window_ == nullptr) {
        refuse("no window with an OpenGL 3.2 context can be had", use_software);
    }
    glfwSetWindowSizeLimits(window_, least_width, least_height, GLFW_DONT_CARE, GLFW_DONT_CARE);
    glfwMakeContextCurrent(window_);
    glfwSwapInterval(1);
    IMGUI_CHECKVERSION();
    ImGui::CreateContext();
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.LogFilename = nullptr;
    io.ConfigInputTextCursorBlink = true;
    io.MouseDoubleClickTime = 0.5F;
    ImGui_ImplGlfw_InitForOpenGL(window_, false);
    if (!ImGui_ImplOpenGL3_Init("#version 150")) {
        refuse("OpenGL 3.2 does not work here", use_software);
    }
}

void Window::set_callbacks() {
    glfwSetWindowUserPointer(window_, this);
    glfwSetCursorPosCallback(window_,
                             [](GLFWwindow* w, double x, double y) { self(w).input_.move(x, y); });
    glfwSetCursorEnterCallback(window_, [](GLFWwindow* w, int entered) {
        if (entered == GLFW_FALSE) {
            self(w).input_.leave();
        }
    });
    glfwSetMouseButtonCallback(window_, [](GLFWwindow* w, int button, int action, int) {
        self(w).input_.button(button, action == GLFW_PRESS);
    });
    glfwSetScrollCallback(
        window_, [](GLFWwindow* w, double dx, double dy) { self(w).input_.scroll(dx, dy); });
    glfwSetKeyCallback(window_, [](GLFWwindow* w, int key, int scancode, int action, int mods) {
        self(w).input_.key(layout_key(key, scancode), action != GLFW_RELEASE, action == GLFW_REPEAT,
                           mods);
    });
    glfwSetCharCallback(window_,
                        [](GLFWwindow* w, unsigned int c) { self(w).input_.character(c); });
    glfwSetDropCallback(window_, [](GLFWwindow* w, int count, const char** paths) {
        if (count > 0) {
            self(w).app().drop(paths[0]);
            self(w).frames_due_ = settle_frames;
        }
    });
    glfwSetFramebufferSizeCallback(
        window_, [](GLFWwindow* w, int, int) { self(w).frames_due_ = settle_frames; });
    glfwSetWindowRefreshCallback(window_,
                                 [](GLFWwindow* w) { self(w).frames_due_ = settle_frames; });
    glfwSetWindowContentScaleCallback(window_, [](GLFWwindow* w, float, float) {
        self(w).update_scale();
        self(w).frames_due_ = settle_frames;
    });
}

void Window::update_scale() {
    float scale = 1, unused = 1;
    glfwGetWindowContentScale(window_, &scale, &unused);
    int width = 1, pixels = 1, height = 1;
    glfwGetWindowSize(window_, &width, &height);
    glfwGetFramebufferSize(window_, &pixels, &height);
    // Where a window's own coordinates are scaled already (macOS), its share is taken out.
    const float density = static_cast<float>(pixels) / static_cast<float>(std::max(width, 1));
    app_->set_screen_scale(scale / std::max(density, 0.1F));
}

bool Window::is_idle() const {
    return is_drawn() && !posted_ && !runner_.state().busy && !session_.busy() &&
           !devices_.asking() && !lessons_.busy();
}

std::pair<int, int> Window::position() const {
    int x = 0, y = 0;
    glfwGetWindowPos(window_, &x, &y);
    return {x, y};
}

double Window::until_next_frame() const {
    if (frames_due_ > 0 || !input_.empty()) {
        return 0;
    }
    double wait = 1e9;
    const auto until = [](Clock::time_point t) {
        return std::max(0.0, std::chrono::duration<double>(t - Clock::now()).count());
    };
    if (render_at_) {
        wait = std::min(wait, until(*render_at_));
    }
    if (save_at_) {
        wait = std::min(wait, until(*save_at_));
    }
    if (posted_) {
        const auto next = rendered_at_ + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(worker_interval));
        wait = std::min(wait, until(next));
    }
    return wait;
}

bool Window::pump(double patience) {
    const double wait = std::min(patience, until_next_frame());
    if (wait <= 0) {
        glfwPollEvents();
    } else if (wait < 1e8) {
        glfwWaitEventsTimeout(wait);
    } else {
        glfwWaitEvents();
    }
    if (glfwWindowShouldClose(window_) != 0 || app_->wants_close()) {
        return false;
    }
    if (!input_.empty()) {
        frames_due_ = settle_frames;
    }
    const bool timed = render_at_ && Clock::now() >= *render_at_;
    const bool worked =
        posted_ &&
        (session_.has_news() ||
         std::chrono::duration<double>(Clock::now() - rendered_at_).count() >= worker_interval);
    if (frames_due_ > 0 || timed || worked) {
        render();
    }
    if (save_at_ && Clock::now() >= *save_at_) {
        keep_settings();
    }
    return true;
}

bool Window::build_frame() {
    frames_due_ = std::max(0, frames_due_ - 1);
    render_at_.reset();
    posted_ = false;  // before the state is read: a later wake will be seen
    int width = 0, height = 0, pixels_wide = 0, pixels_high = 0;
    glfwGetWindowSize(window_, &width, &height);
    glfwGetFramebufferSize(window_, &pixels_wide, &pixels_high);
    if (pixels_wide == 0 || pixels_high == 0) {
        return false;
    }
    const float density = static_cast<float>(pixels_wide) / static_cast<float>(width);
    if (app_->theme().scale != baked_scale_ || density != baked_density_) {
        fonts_.bake(app_->theme(), density);
#if IMGUI_VERSION_NUM < 19200  // later ones upload what is missing by themselves
        if (baked_scale_ != 0) {
            ImGui_ImplOpenGL3_DestroyFontsTexture();
            ImGui_ImplOpenGL3_CreateFontsTexture();
        }
#endif
        baked_scale_ = app_->theme().scale;
        baked_density_ = density;
    }
    ImGui_ImplOpenGL3_NewFrame();
    ImGui_ImplGlfw_NewFrame();
    std::vector<KeyPress> keys = input_.feed();
    ImGui::NewFrame();
    const double now = std::chrono::duration<double>(Clock::now() - started_).count();
    app_->frame(std::move(keys), now);
    ImGui::Render();
    app_->settings().width = width;
    app_->settings().height = height;
    return true;
}

void Window::render() {
    if (!build_frame()) {
        return;
    }
    int pixels_wide = 0, pixels_high = 0;
    glfwGetFramebufferSize(window_, &pixels_wide, &pixels_high);
    glViewport(0, 0, pixels_wide, pixels_high);
    const Color c = app_->theme().background;
    glClearColor(c.r / 255.0F, c.g / 255.0F, c.b / 255.0F, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
    if (!capture_.empty()) {
        write_capture(pixels_wide, pixels_high);
    }
    glfwSwapBuffers(window_);
    rendered_at_ = Clock::now();
    ++frames_;
    const double wake = app_->ui().wake_after();
    if (wake == 0) {
        frames_due_ = std::max(frames_due_, 1);
    } else if (wake > 0) {
        render_at_ = rendered_at_ + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(wake));
    }
    if (app_->take_settings_changed() && !save_at_) {
        save_at_ = rendered_at_ + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(save_delay));
    }
}

void Window::keep_settings() {
    save_at_.reset();
    if (folder_.empty()) {
        return;
    }
    app_->settings().last = session_.scenario();
    const bool saved = save_settings(app_->settings(), folder_, session_.experiments());
    if (!saved && !save_failed_) {
        app_->tell("settings cannot be kept: " + folder_.string() + " is not writable");
        save_failed_ = true;
    }
}

void Window::save_screenshot(const std::filesystem::path& path) {
    capture_ = path;
    render();
}

void Window::write_capture(int width, int height) {
    const auto row_bytes = static_cast<std::size_t>(width) * 4;
    std::vector<std::uint8_t> pixels(row_bytes * static_cast<std::size_t>(height));
    glPixelStorei(GL_PACK_ALIGNMENT, 4);
    glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pixels.data());
    for (std::size_t i = 3; i < pixels.size(); i += 4) {
        pixels[i] = 255;
    }
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.format = PNG_FORMAT_RGBA;
    image.width = static_cast<png_uint_32>(width);
    image.height = static_cast<png_uint_32>(height);
    // A negative stride: OpenGL's rows go upwards.
    const int written = png_image_write_to_file(&image, capture_.c_str(), 0, pixels.data(),
                                                -static_cast<png_int_32>(row_bytes), nullptr);
    const std::string path = capture_.string();
    capture_.clear();
    if (written == 0) {
        throw Error(Error::Code::io, fmt::format("cannot write {}: {}", path, image.message));
    }
}

}  // namespace nibble
