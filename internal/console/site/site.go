// Package site lists the sections of the console.
package site

import (
	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/access"
	"github.com/postern-id/postern/internal/console/administration"
	"github.com/postern-id/postern/internal/console/devices"
	"github.com/postern-id/postern/internal/console/directory"
	"github.com/postern-id/postern/internal/console/drills"
	"github.com/postern-id/postern/internal/console/home"
	"github.com/postern-id/postern/internal/console/logs"
	"github.com/postern-id/postern/internal/console/methods"
	"github.com/postern-id/postern/internal/console/passes"
	"github.com/postern-id/postern/internal/console/people"
	"github.com/postern-id/postern/internal/console/readiness"
	"github.com/postern-id/postern/internal/console/recovery"
	"github.com/postern-id/postern/internal/console/webhooks"
	"github.com/postern-id/postern/internal/console/workflows"
)

// Sections are all that the console has, one line each.
func Sections() []console.Section {
	return []console.Section{
		home.Section(),
		directory.Section(),
		methods.Section(),
		access.Section(),
		people.Section(),
		readiness.Section(),
		devices.Section(),
		administration.Section(),
		webhooks.Section(),
		passes.Section(),
		recovery.Section(),
		drills.Section(),
		workflows.Section(),
		logs.Section(),
	}
}
