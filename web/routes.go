package web

import "slices"

// routes lists every page in one place. Who may do what is decided by the services; a
// route is open only where somebody who is not signed in has business.
func (s *Server) routes() []Route {
	return slices.Concat(
		accountRoutes(),
		peopleRoutes(),
		homeRoutes(),
		dashboardRoutes(),
		workloadRoutes(),
		lifeRoutes(),
		participantRoutes(),
		evidenceRoutes(),
		connectionRoutes(),
		changeRoutes(),
		baselineRoutes(),
		itemRoutes(),
		noticeRoutes(),
		settingsRoutes(),
		webhookRoutes(),
		trackerRoutes(),
		talkRoutes(),
		reviewListRoutes(),
		questionnaireRoutes(),
		importRoutes(),
		tableRoutes(),
		draftRoutes(),
		switchRoutes(),
		reviewRoutes(),
		startRoutes(),
		upgradeRoutes(),
		toolRoutes(),
		reviewTypeRoutes(),
		questionRoutes(),
		decisionRoutes(),
		acceptanceRoutes(),
		compareRoutes(),
		exportRoutes(),
		auditRoutes(),
		markRoutes(),
		sectionRoutes(),
		afterRoutes(),
		apiDocsRoutes(),
		incidentRoutes(),
		lessonRoutes(),
		followUpRoutes(),
	)
}
