package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/agent/greeter"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/fault"
)

// greeterCommands are what greetd runs, and what that runs.
func greeterCommands() []*cobra.Command {
	o := greeter.Options{}
	c := &cobra.Command{
		Use: "greeter", Short: "Show the sign-in screen, as greetd's greeter", Args: cobra.NoArgs,
		Long: "Shows the sign-in screen in a Wayland compositor that greetd started, and opens a session for who signs in.\n" +
			"docs/linux.md says how it is set up.",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = slog.New(slog.NewJSONHandler(c.ErrOrStderr(), nil))
			if err := surroundings(&o); err != nil {
				return program.Usage(err)
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			err := greeter.Run(ctx, o)
			if err != nil && ctx.Err() == nil {
				lastWords(ctx, err)
			}
			return err
		},
	}
	c.Flags().StringVar(&o.Agent, "agent", greeter.Socket, "`SOCKET` of the agent")
	c.Flags().StringVar(&o.Web, "web", kiosk.Socket, "`SOCKET` that starts web sign-in's browser as a user of its own")
	programs(c, &o.Bwrap, &o.Chromium)
	c.AddCommand(backCommand(), webCommand(), insideCommand())
	return []*cobra.Command{c}
}

// lastWordsFor is how long they stand on the screen before greetd begins anew.
const lastWordsFor = 20 * time.Second

// lastWords says on the screen that there is no sign-in screen, by sway's own bar: without a
// browser there is nothing else. It has one line.
func lastWords(ctx context.Context, err error) {
	code := ""
	if f, ok := errors.AsType[*fault.Error](err); ok {
		code = " (" + f.Code + ")"
	}
	ctx, cancel := context.WithTimeout(ctx, lastWordsFor)
	defer cancel()
	_ = exec.CommandContext(ctx, "swaynag", "--type", "error", "--message", "No sign-in screen"+code+". Text console: Ctrl+Alt+F2. There, postern-agent doctor says what is wrong.").Run()
}

// surroundings fills in what greetd and the compositor say.
func surroundings(o *greeter.Options) error {
	display := os.Getenv("WAYLAND_DISPLAY")
	o.Greetd, o.Runtime = os.Getenv("GREETD_SOCK"), os.Getenv("XDG_RUNTIME_DIR")
	if o.Greetd == "" || o.Runtime == "" || display == "" {
		return errors.New("greetd starts this in a compositor: GREETD_SOCK, XDG_RUNTIME_DIR or WAYLAND_DISPLAY is not set")
	}
	if o.Display = display; !filepath.IsAbs(display) {
		o.Display = filepath.Join(o.Runtime, display)
	}
	o.Front = func(web bool) {
		workspace := map[bool]string{false: "1", true: "2"}[web]                                                                // of sway.conf
		if err := exec.Command("swaymsg", "--quiet", "workspace", workspace).Run(); err != nil && os.Getenv("SWAYSOCK") != "" { //nolint:noctx // it takes a moment
			o.Log.Warn("the browser is not brought to the front", "err", err)
		}
	}
	o.Titles = titles
	var err error
	o.Self, err = os.Executable()
	return err
}

// titles follows the windows of web sign-in's browser, as the compositor tells of them
// (sway-ipc(7), event window).
func titles(ctx context.Context, tell func(string)) {
	cmd := exec.CommandContext(ctx, "swaymsg", "--raw", "--monitor", "--type", "subscribe", `["window"]`)
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return // another compositor
	}
	defer func() { _ = cmd.Wait() }() // it is killed at the end
	for in := json.NewDecoder(out); ; {
		var event struct {
			Container struct {
				Name string `json:"name"`
				App  string `json:"app_id"`
			} `json:"container"`
		}
		if in.Decode(&event) != nil {
			return
		}
		if strings.HasPrefix(event.Container.App, "chrome-") {
			tell(event.Container.Name)
		}
	}
}

func backCommand() *cobra.Command {
	return &cobra.Command{
		Use: "back", Short: "Go back to the tiles of the sign-in screen, as its keys do", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return greeter.Back(c.Context(), os.Getenv("XDG_RUNTIME_DIR"))
		},
	}
}

// webCommand runs as web sign-in's own user, for one connection that the service manager took
// (sd_listen_fds(3), Accept=yes).
func webCommand() *cobra.Command {
	var own kiosk.Sandbox
	c := &cobra.Command{
		Use: "web", Short: "Run web sign-in's browser for a connection of the service manager", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || os.Getenv("LISTEN_FDS") != "1" {
				return program.Usage(errors.New("the service manager starts this: postern-web.socket"))
			}
			file := os.NewFile(firstListenFD, "greeter")
			conn, err := net.FileConn(file)
			if err := errors.Join(err, file.Close()); err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			if own.Self, err = os.Executable(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			greeterConn, ok := conn.(*net.UnixConn)
			if !ok {
				return program.Usage(errors.New("the connection is no unix socket"))
			}
			return kiosk.Serve(ctx, greeterConn, own)
		},
	}
	programs(c, &own.Bwrap, &own.Chromium)
	return c
}

const firstListenFD = 3 // SD_LISTEN_FDS_START

// programs adds the flags for what both browsers are run by.
func programs(c *cobra.Command, bwrap, chromium *string) {
	c.Flags().StringVar(bwrap, "bwrap", "/usr/bin/bwrap", "`FILE` of bubblewrap")
	c.Flags().StringVar(chromium, "chromium", "/usr/lib/chromium/chromium", "`FILE` of Chromium")
}

// insideCommand runs in a browser's namespaces.
func insideCommand() *cobra.Command {
	var listen, profile string
	c := &cobra.Command{
		Use: "inside -- BROWSER…", Short: "Run a browser of the sign-in screen in its namespaces", Hidden: true, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			err := kiosk.Inside(c.Context(), listen, profile, args, c.ErrOrStderr())
			if ended, ok := errors.AsType[*exec.ExitError](err); ok {
				c.PrintErrln("browser:", ended)
				return program.ErrSilent
			}
			return err
		},
	}
	c.Flags().StringVar(&listen, "listen", "", "`ADDRESS`")
	c.Flags().StringVar(&profile, "profile", "", "`DIR`")
	return c
}
