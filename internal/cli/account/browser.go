package account

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

var errNoBrowser = errors.New("no browser was found")

// OpenBrowser shows address in the person's browser: what BROWSER names, else what the
// desktop opens. It does not wait for the browser.
func OpenBrowser(ctx context.Context, address string) error {
	name, args := browserCommand()
	if name == "" {
		return errNoBrowser
	}
	c := exec.CommandContext(context.WithoutCancel(ctx), name, append(args, address)...) //nolint:gosec // the person's own browser
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }() // it is the person's; how it ends says nothing
	return nil
}

func browserCommand() (string, []string) {
	if own, _, _ := strings.Cut(os.Getenv("BROWSER"), ":"); own != "" {
		return own, nil
	}
	switch runtime.GOOS {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return "", nil // xdg-open would start a browser in this terminal
	}
	if path, err := exec.LookPath("xdg-open"); err == nil {
		return path, nil
	}
	return "", nil
}
