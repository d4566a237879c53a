(println "Grüße, 世界 🌍")
(exit)
