package server

import "os"

// notifyReload does nothing: Windows has no SIGHUP. Files are still looked at every minute.
func notifyReload(chan<- os.Signal) {}
