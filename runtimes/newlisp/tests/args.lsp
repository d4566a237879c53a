(dolist (argument (3 (main-args))) (println argument))
(exit)
