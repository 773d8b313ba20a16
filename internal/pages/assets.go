package pages

import (
	"embed"
	"net/http"

	"github.com/postern-id/postern/internal/design"
)

//go:embed assets
var assetFiles embed.FS

var assets = design.Collect(assetFiles)

// Assets serves what pages load.
func Assets() http.Handler { return assets }
